"""What the doctor asks of the places where images lie: folders, which it only looks at, and buckets.

In a bucket one object is put, read and deleted, since nothing less tells whether that can be done.
"""

# ruff: noqa: PLC0415 - the adapters are slow to import, and commands that only show help do not need them

import errno
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imagemill.cli.finding import Finding, Verdict
from imagemill.cli.services import not_set_up
from imagemill.cli.trouble import told
from imagemill.errors import StoreUnavailable

if TYPE_CHECKING:
    from imagemill.config import Settings

_FOLDER_REMEDY = "Give this user the right to write there, or name another place in IMAGEMILL_STORAGE_URL."
_BUCKET_REMEDIES = {
    "AccessKeyId|SignatureDoesNotMatch": "Look at IMAGEMILL_S3_ACCESS_KEY_ID and IMAGEMILL_S3_SECRET_ACCESS_KEY.",
    "AccessDenied|403": "Allow the key to get, put, delete and list objects; docs/storage.md tells how.",
    "NoSuchBucket": "Make the bucket; its name stands in IMAGEMILL_STORAGE_URL or IMAGEMILL_OUTPUTS_URL.",
    "RequestTimeTooSkewed": "Set the clock of this machine.",
    "PermanentRedirect|AuthorizationHeaderMalformed": "Name the bucket's region in IMAGEMILL_S3_REGION.",
    "": "Look at the address and at the network on the way; docs/storage.md has an example for each provider.",
}
"""What helps, by what the store has said; the first that is found in it."""


def check_store(settings: "Settings") -> Iterator[Finding]:
    """Each place of the object store can be written to."""
    if settings.outputs == settings.storage:
        yield _check_place("store", settings.storage, settings)
    else:
        yield _check_place("originals", settings.storage, settings)
        yield _check_place("outputs", settings.outputs, settings)


def store_folders(settings: "Settings") -> list[Path]:
    """Those places of the object store that are folders."""
    urls = dict.fromkeys((settings.storage, settings.outputs))
    return [_folder(url) for url in urls if url.startswith("file:")]


def unless_full(error: BaseException | None, remedy: str) -> str:
    """What helps where a file cannot be written: the remedy, unless the disk or a quota is used up."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "Make room on its disk; what was accepted is done then." if full else remedy


def _check_place(part: str, url: str, settings: "Settings") -> Finding:
    from imagemill.storage.files import DRAFTS
    from imagemill.storage.places import open_place

    in_folder = url.startswith("file:")
    if in_folder and not os.path.lexists(drafts := _folder(url) / DRAFTS):
        return not_set_up(part, drafts, "The API", _FOLDER_REMEDY)
    began = time.monotonic()
    try:
        open_place(url, settings).check()
    except StoreUnavailable as error:
        remedy = unless_full(error.__cause__, _FOLDER_REMEDY) if in_folder else _remedy(told(error))
        return Finding(part, Verdict.FAIL, told(error), remedy)
    milliseconds = (time.monotonic() - began) * 1000
    return Finding(part, Verdict.OK, "answers" if in_folder else f"{url} answers; a trial took {milliseconds:.0f} ms")


def _folder(url: str) -> Path:
    return Path(url.removeprefix("file:"))


def _remedy(trouble: str) -> str:
    return next(remedy for words, remedy in _BUCKET_REMEDIES.items() if re.search(words, trouble))
