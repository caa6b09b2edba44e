"""How fast data are read: batches of questions against one request each, and tables against pyarrow alone."""
