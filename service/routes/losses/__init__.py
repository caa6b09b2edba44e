"""/v1/losses: the catalogue, and the curves of a loss."""
