"""Conditions and ranges of a request for an image.

Werkzeug's own are not used: they take HEAD for GET, a star in If-Match for no match, a weak tag or a later date in
If-Range for a good one, and refuse the end of what is shorter.

Source: RFC 9110, sections 13.1, 13.2.2 and 14.1.2 to 14.2.
"""

import re
from datetime import datetime

from flask import Request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import parse_date

from imagemill.flow.deliver import Image

_ONE_RANGE = re.compile(r"bytes=(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<suffix>\d+))", re.ASCII)
"""The ranges that are served. Any other Range is ignored, as section 14.2 allows."""

_NAMES = frozenset({"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"})
_MOST_DIGITS = 18  # A petabyte has 16, and Python reads no number of thousands.


def status_by_conditions(request: Request, image: Image) -> int:
    """200 if nothing speaks against an answer, 304 if the client has it already, 412 if it wants another one."""
    modified_at = _modified_at(image)
    until, since = (_read_date(request.headers.get(name)) for name in ("If-Unmodified-Since", "If-Modified-Since"))
    if "If-Match" in request.headers:
        if not request.if_match.contains(image.etag):
            return 412
    elif until and modified_at > until:
        return 412
    if "If-None-Match" in request.headers:
        return 304 if request.if_none_match.contains_weak(image.etag) else 200
    return 304 if since and modified_at <= since else 200


def asked_part(request: Request, image: Image) -> range | None:
    """The bytes that a request asks for, by their places; None for all of them.

    Raises:
        RequestedRangeNotSatisfiable: there are none such.
    """
    match = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if request.method != "GET" or match is None or not _is_same(request.headers.get("If-Range"), image):
        return None
    if match["suffix"]:
        part = range(image.stat.bytes - min(_number(match["suffix"]), image.stat.bytes), image.stat.bytes)
    else:
        behind = _number(match["last"]) + 1 if match["last"] else image.stat.bytes
        part = range(_number(match["first"]), min(behind, image.stat.bytes))
    if not part:
        raise RequestedRangeNotSatisfiable(image.stat.bytes)
    return part


def is_conditional(request: Request) -> bool:
    """Whether there is a condition of any kind."""
    return not _NAMES.isdisjoint(request.headers.keys())


def _is_same(if_range: str | None, image: Image) -> bool:
    if if_range is None:
        return True
    # What the client has of another version would be glued to this one, so nothing but the very same will do.
    return if_range.strip() == f'"{image.etag}"' or _read_date(if_range) == _modified_at(image)


def _modified_at(image: Image) -> datetime:
    return image.stat.modified_at.replace(microsecond=0)  # HTTP knows whole seconds only


def _read_date(text: str | None) -> datetime | None:
    try:
        return parse_date(text)
    except OverflowError:  # of a year of twenty digits; what else is no date is None
        return None


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS
