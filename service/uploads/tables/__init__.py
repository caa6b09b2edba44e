"""Tables: files with the user's own column names, and which column is read as which input."""
