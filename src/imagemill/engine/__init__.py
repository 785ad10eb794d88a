"""Pixels: bytes in, recipe in, bytes out. Knows nothing of jobs, stores or HTTP. Only `vips.py` may import pyvips."""
