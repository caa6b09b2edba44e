"""The only room with HTTP, devices, files and clocks."""
