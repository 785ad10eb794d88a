"""The smallest image there is, for trying whether anything works at all."""

import base64

PNG_BASE64 = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
"""One grey pixel."""

PNG = base64.b64decode(PNG_BASE64)
