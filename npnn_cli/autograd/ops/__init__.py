"""Every op in NumPy, each forward beside its derivative, grouped as in PyTorch's documentation."""
