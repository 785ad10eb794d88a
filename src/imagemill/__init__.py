"""imagemill: a self-hosted image resizing service with durable jobs."""

__version__ = "0.1.0"
