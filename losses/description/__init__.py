"""What is said of a loss beside its value: its curve, code for other libraries, the way back to a probability."""
