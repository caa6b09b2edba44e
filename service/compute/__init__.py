"""The compute device: places tensors on it and evaluates losses, in a thread where that takes long."""

from service.compute.runtime import Runtime

__all__ = ["Runtime"]
