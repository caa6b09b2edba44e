"""The evidence book: rows that rest on theorems, comparisons, and our own benchmark."""
