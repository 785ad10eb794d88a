"""Where an object store may be: the grammar of its URL."""

import re

BUCKET_URL = re.compile(
    r"(?P<scheme>s3|gs)://(?P<bucket>[a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?P<prefix>(?:/[\w-][\w.-]*)*)/?", re.ASCII
)
"""The URL of a bucket, with a prefix of whole segments or none. No segment begins with a dot."""


def is_place(url: str) -> bool:
    """Whether a URL names a folder or a bucket."""
    return url.startswith("file:") or BUCKET_URL.fullmatch(url) is not None
