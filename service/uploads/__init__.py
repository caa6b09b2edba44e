"""The arrays of a request: one body, one upload, and the JSON, multipart and queries around them."""
