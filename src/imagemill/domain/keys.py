"""The layout of the object store: what a key looks like and what it is made of.

    originals/ab/<64 hex: SHA-256 of the bytes>-<16 hex: drawn anew for each put>
    images/ab/<32 hex: the job's results_id>-<name of the output>.<extension>

`ab` are the first two digits of what follows, so that no folder grows past a few thousand entries at a million
objects. An output's key follows from its job, so every attempt writes the same bytes to the same place, and what an
attempt left behind can be named without having seen it. Nothing of a token can be read from a key that is public.
"""

import re
from collections.abc import Iterator

from imagemill.domain.formats import FACTS, MEDIA_TYPE_BY_EXTENSION, ImageFormat
from imagemill.domain.job import Job

IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache-Control of an output: a key's bytes never change. Source: RFC 8246."""

PRIVATE = "private, max-age=31536000, immutable"
"""Cache-Control of an output that only who has a link may see: for browsers, not for what stands between."""

SHARDS = tuple(f"{number:02x}" for number in range(256))
"""The folders of either kind."""

_ORIGINAL = re.compile(r"originals/(?P<shard>[0-9a-f]{2})/(?P=shard)[0-9a-f]{62}-[0-9a-f]{16}")
_OUTPUT = re.compile(
    r"images/(?P<shard>[0-9a-f]{2})/(?P=shard)[0-9a-f]{30}-[a-z0-9][a-z0-9-]{0,31}\.(?P<extension>[a-z0-9]{3,4})"
)


def original_key(sha256: str, nonce: str) -> str:
    """Where an original lies.

    Args:
        sha256: of its bytes, 64 hexadecimal digits.
        nonce: 16 hexadecimal digits that no other put has used.
    """
    return f"originals/{sha256[:2]}/{sha256}-{nonce}"


def output_key(results_id: str, name: str, format: ImageFormat) -> str:
    """Where an output lies.

    Args:
        results_id: of the job, 32 hexadecimal digits.
        name: of the output.
        format: of the output.
    """
    return f"images/{results_id[:2]}/{results_id}-{name}.{FACTS[format].extension}"


def output_keys(job: Job) -> Iterator[str]:
    """The keys of all outputs that a job makes, whether it has made them yet or not.

    Where format or number is found out on the way, these are the keys of all that there may be.
    """
    for output in job.recipe.outputs:
        for format in output.formats_for(job.original.header):
            for name in output.names:
                yield output_key(job.results_id, name, format)


def is_key(text: str) -> bool:
    """Whether a text is a key: nothing that is not can reach a store."""
    return bool(_ORIGINAL.fullmatch(text)) or is_output_key(text)


def is_output_key(text: str) -> bool:
    """Whether a text is the key of an output, the only ones that the world may ask for."""
    match = _OUTPUT.fullmatch(text)
    return match is not None and match["extension"] in MEDIA_TYPE_BY_EXTENSION


def media_type(key: str) -> str:
    """The media type that an output's key stands for."""
    return MEDIA_TYPE_BY_EXTENSION[key.rpartition(".")[2]]
