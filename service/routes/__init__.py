"""The endpoints; each states beside its handler who may ask it."""
