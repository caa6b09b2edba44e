"""Objectives compiled into one pass over the inputs, which gives every sum that an evaluation takes of them."""
