"""The file formats of arrays and tables, one module each; modules of this folder are discovered."""
