"""The steps around every request, whichever way it is answered."""
