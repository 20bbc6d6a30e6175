"""The same computations in PyTorch, to compare with: the only code that imports torch.

What goes in and comes out are NumPy arrays, so that no other room needs torch.
"""
