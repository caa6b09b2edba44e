"""The Arrow stream format, read under limits and written."""
