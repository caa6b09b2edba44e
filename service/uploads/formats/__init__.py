"""The formats of arrays, a file each, found by walking this folder."""
