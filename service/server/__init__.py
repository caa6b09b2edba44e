"""How bytes arrive: the connection, the body, the server, and the supervisor of several workers."""
