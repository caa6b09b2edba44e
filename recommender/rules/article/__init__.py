"""The article's book: every sentence that recommends a loss is a row."""
