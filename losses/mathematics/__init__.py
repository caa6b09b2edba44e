"""Functions on tensors that several families share."""
