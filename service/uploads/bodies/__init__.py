"""The bytes of a body, whatever is in it: received at a minimum pace, into reserved memory, and decompressed."""
