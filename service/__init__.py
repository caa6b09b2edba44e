"""The HTTP service; the only package that uses the network, devices, files and clocks."""
