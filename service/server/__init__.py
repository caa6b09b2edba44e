"""The HTTP server: connections, reception of bodies, and the supervisor of several workers."""
