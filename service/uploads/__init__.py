"""Reads the arrays and fields of a request from its body (JSON, multipart or a file format) and its query."""
