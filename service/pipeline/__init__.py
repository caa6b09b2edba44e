"""The middleware around every endpoint, as one list of steps with two adapters: ASGI and inline."""
