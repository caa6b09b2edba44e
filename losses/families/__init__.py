"""The losses, a file a family. Families never import one another."""
