"""What the routes of every kind of job share: its state, waiting for its end, following its events."""
