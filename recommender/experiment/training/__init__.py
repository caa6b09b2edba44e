"""Train many small models at once: every loss, learning rate and fold is one replica of a batched model."""
