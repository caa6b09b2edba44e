"""The article's rule book: one row for each sentence that recommends a loss."""
