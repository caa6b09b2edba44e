"""Objectives compiled to native code: one pass over the inputs gives every sum that an evaluation needs."""
