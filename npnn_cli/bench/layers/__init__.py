"""How fast single layers are, forward and backward, beside PyTorch's of the same name."""
