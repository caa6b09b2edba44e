"""Facts of masks and of bounding boxes."""
