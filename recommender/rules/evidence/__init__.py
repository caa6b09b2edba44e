"""The evidence rule book: rows based on theorems, published comparisons, and our own benchmark."""
