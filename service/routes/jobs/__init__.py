"""What the routes of all kinds of jobs share: their state, waiting for their end, following their events."""
