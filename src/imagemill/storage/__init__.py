"""Where images lie: adapters of the port `ObjectStore`. Knows keys and bytes, nothing of images, jobs or HTTP."""
