"""Reads the arrays and fields of a request, from bodies in JSON, multipart and file formats, and from the query."""
