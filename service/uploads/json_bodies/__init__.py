"""Bodies in JSON: parsed under limits, with arrays of numbers converted without Python objects."""
