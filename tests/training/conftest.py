from small_specs import blobs

__all__ = ["blobs"]
