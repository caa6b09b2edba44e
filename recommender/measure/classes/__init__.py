"""Facts of labels: of classes, of embeddings, and of their noise."""
