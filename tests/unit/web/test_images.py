"""Delivery: what a cache and a browser are told about an image."""

import re
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from imagemill.domain.links import LinkSigner, link_key
from tests.fakes.engine import PICTURE
from tests.flow.house import House
from tests.unit.web.service import API, client, finish

BYTES = b"image of " + PICTURE


@pytest.fixture
def path(house: House, api: FlaskClient) -> str:
    """The path of a finished image."""
    token = api.post(API, data=PICTURE, content_type="image/jpeg").json["token"]
    return "/" + finish(house, token).products[0].key


def test_an_image_is_served_for_ever(api: FlaskClient, path: str) -> None:
    """The bytes, their type, a strong tag, a year of caching, and nothing that a browser could run."""
    image = api.get(path)
    assert image.data == BYTES
    assert image.headers["Content-Type"] == "image/jpeg"
    assert image.headers["Content-Length"] == str(len(BYTES))
    assert image.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert image.headers["X-Content-Type-Options"] == "nosniff"
    assert image.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert image.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert image.headers["Accept-Ranges"] == "bytes"
    assert image.headers["ETag"].startswith('"')


def test_nginx_is_told_where_the_image_lies(house: House, path: str) -> None:
    """With an accel path the answer has every header of the image, its place, and no bytes; what is missing is 404."""
    behind_nginx = client(house, accel_path="/_objects/")
    image = behind_nginx.get(path)
    assert image.data == b""
    assert image.headers["X-Accel-Redirect"] == f"/_objects{path}"
    assert image.headers["Content-Type"] == "image/jpeg"
    assert image.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert image.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert behind_nginx.get(path.replace("image.jpg", "other.jpg")).status_code == 404


def test_nginx_is_not_asked_for_what_is_not_there(house: House, path: str) -> None:
    """It would call its refusal an image; but a condition comes before a range, and is nginx's business."""
    behind_nginx = client(house, accel_path="/_objects/")
    for nothing in ("bytes=1000000-", "bytes=9-2", "bytes=-0"):
        refused = behind_nginx.get(path, headers={"Range": nothing})
        assert (refused.status_code, refused.content_type) == (416, "application/problem+json")
        assert refused.headers["Content-Range"].startswith("bytes */")
    for headers in (
        {"Range": "bytes=0-3"},
        {"Range": "bytes=-1000000"},
        {"Range": "bytes=1000000-", "If-None-Match": '"x"'},
    ):
        assert behind_nginx.get(path, headers=headers).status_code == 200


def test_head_is_get_without_the_bytes(api: FlaskClient, path: str) -> None:
    """HEAD tells the same."""
    image, head = api.get(path), api.head(path)
    differing = ("Date", "X-Request-ID")
    assert head.data == b""
    assert [pair for pair in head.headers if pair[0] not in differing] == [
        pair for pair in image.headers if pair[0] not in differing
    ]


def test_head_reads_nothing(api: FlaskClient, house: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is asked what there is, and not for it."""
    monkeypatch.setattr(house.store, "open", lambda _: pytest.fail("opened"))
    head = api.head(path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(BYTES)))


@pytest.mark.parametrize("accel_path", [None, "/_objects/"])
@pytest.mark.parametrize("asked", ["bytes=0-3", "bytes=1000000-"])
def test_head_knows_no_ranges(house: House, path: str, accel_path: str | None, asked: str) -> None:
    """HEAD tells of the whole, whatever part it names (RFC 9110, section 14.2); nginx is not asked to cut."""
    head = client(house, accel_path=accel_path).head(path, headers={"Range": asked})
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(BYTES)))
    assert "Content-Range" not in head.headers
    assert "X-Accel-Redirect" not in head.headers


@pytest.mark.parametrize("tag", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_is_told_so(api: FlaskClient, path: str, tag: str) -> None:
    """If-None-Match with the tag is a 304 without a body, even beside a Range (RFC 9110, section 13.2.2)."""
    headers = {"If-None-Match": tag.format(api.get(path).headers["ETag"]), "Range": "bytes=0-1"}
    answer = api.get(path, headers=headers)
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == api.get(path).headers["ETag"]


def test_who_has_another_gets_it(api: FlaskClient, path: str) -> None:
    """Another tag is no reason to send nothing."""
    assert api.get(path, headers={"If-None-Match": '"other"'}).data == BYTES


def test_not_modified_since(api: FlaskClient, path: str) -> None:
    """A date works like a tag."""
    when = api.get(path).headers["Last-Modified"]
    assert api.get(path, headers={"If-Modified-Since": when}).status_code == 304


OLD, LATE = "Wed, 01 Jan 2020 00:00:00 GMT", "Thu, 01 Jan 2099 00:00:00 GMT"
NEVER = f"Wed, 01 Jan {'9' * 20} 00:00:00 GMT"


@pytest.mark.parametrize("headers", [{"If-Match": '"other"'}, {"If-Match": "W/{}"}, {"If-Unmodified-Since": OLD}])
def test_a_failed_precondition_is_a_problem(api: FlaskClient, path: str, headers: dict[str, str]) -> None:
    """If-Match with another tag or a weak one, or a date before the image's, is a 412."""
    answer = api.get(path, headers=_filled(headers, api.get(path)))
    assert (answer.status_code, answer.json["code"]) == (412, "precondition-failed")


@pytest.mark.parametrize(
    "headers",
    [
        {"If-Match": "*"},
        {"If-Match": '"other", {}'},
        {"If-Match": "{}", "If-Unmodified-Since": OLD},
        {"If-Unmodified-Since": LATE},
        {"If-Unmodified-Since": "some day"},
        {"If-Unmodified-Since": NEVER},
        {"If-Modified-Since": NEVER},
        {"If-None-Match": '"other"', "If-Modified-Since": LATE},
    ],
)
def test_a_precondition_that_holds_changes_nothing(api: FlaskClient, path: str, headers: dict[str, str]) -> None:
    """A star matches whatever there is, a tag counts more than a date, and what is no date does not count."""
    answer = api.get(path, headers=_filled(headers, api.get(path)))
    assert (answer.status_code, answer.data) == (200, BYTES)


def test_the_second_condition_is_asked_after_the_first(api: FlaskClient, path: str) -> None:
    """If-Match that holds leaves the last word to If-None-Match (RFC 9110, section 13.2.2)."""
    headers = _filled({"If-Match": "{}", "If-None-Match": "{}"}, api.get(path))
    assert api.get(path, headers=headers).status_code == 304


def _filled(headers: dict[str, str], image: TestResponse) -> dict[str, str]:
    return {name: text.format(image.headers["ETag"]) for name, text in headers.items()}


@pytest.mark.parametrize(
    ("asked", "part", "content_range"),
    [
        ("bytes=0-3", BYTES[:4], f"bytes 0-3/{len(BYTES)}"),
        ("bytes=5-", BYTES[5:], f"bytes 5-{len(BYTES) - 1}/{len(BYTES)}"),
        ("bytes=-4", BYTES[-4:], f"bytes {len(BYTES) - 4}-{len(BYTES) - 1}/{len(BYTES)}"),
        ("bytes=-9999", BYTES, f"bytes 0-{len(BYTES) - 1}/{len(BYTES)}"),
        ("bytes=0-" + "9" * 5000, BYTES, f"bytes 0-{len(BYTES) - 1}/{len(BYTES)}"),
        ("bytes=3-9999", BYTES[3:], f"bytes 3-{len(BYTES) - 1}/{len(BYTES)}"),
    ],
)
def test_a_part_is_served(api: FlaskClient, path: str, asked: str, part: bytes, content_range: str) -> None:
    """A single range is a 206 with just those bytes."""
    answer = api.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.data) == (206, part)
    assert answer.headers["Content-Range"] == content_range
    assert answer.headers["Content-Length"] == str(len(part))


@pytest.mark.parametrize("asked", [f"bytes={len(BYTES)}-", "bytes=-0", "bytes=9-2"])
def test_a_part_that_is_not_there(api: FlaskClient, path: str, asked: str) -> None:
    """A range outside is a 416 that tells the size and is not cached for ever."""
    answer = api.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.json["code"]) == (416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(BYTES)}"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("asked", ["lines=0-1", "bytes=0-1,3-4", "bytes", "bytes=a-b"])
def test_other_ranges_are_ignored(api: FlaskClient, path: str, asked: str) -> None:
    """What is not understood is answered with the whole image (RFC 9110, section 14.2)."""
    answer = api.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, BYTES)


@pytest.mark.parametrize("version", ['"other"', "W/{}", OLD, LATE, "some day", NEVER])
def test_a_range_of_another_version_is_the_whole(api: FlaskClient, path: str, version: str) -> None:
    """If-Range with anything but the very tag or date turns a range into everything (RFC 9110, section 13.1.5)."""
    headers = _filled({"If-Range": version}, api.get(path))
    answer = api.get(path, headers={"Range": "bytes=0-1", **headers})
    assert (answer.status_code, answer.data) == (200, BYTES)


@pytest.mark.parametrize("name", ["ETag", "Last-Modified"])
def test_a_range_of_the_same_version_is_served(api: FlaskClient, path: str, name: str) -> None:
    """If-Range with the image's own tag or date leaves the range as it is."""
    same = api.get(path).headers[name]
    assert api.get(path, headers={"Range": "bytes=0-1", "If-Range": same}).data == BYTES[:2]


def test_a_part_is_read_without_what_comes_before(
    api: FlaskClient, house: House, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever wraps files in the server, the file is set to the part's beginning: a bucket is not read in vain."""
    reads: list[int] = []

    class Reader(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            reads.append(self.tell())
            return super().read(size)

    reader = Reader(BYTES)
    monkeypatch.setattr(house.store, "open", lambda _: reader)
    # A server's wrapper that only goes forward, as Gunicorn's.
    forward = {"wsgi.file_wrapper": lambda file, size=8192: iter(lambda: file.read(size), b"")}
    answer = api.get(path, headers={"Range": "bytes=4-5"}, environ_overrides=forward)
    assert answer.data == BYTES[4:6]
    assert reads == [4]
    answer.close()
    assert reader.closed


@pytest.mark.parametrize(
    "odd",
    [
        "/images/",
        "/images/../originals/ab",
        "/images/%2e%2e/secret_key",
        "/images//etc/passwd",
        "/images/aa/",
        "/images/aa",
        "/images/aa/nothing.jpg",
        "/images/aa/" + "a" * 32 + "-image.jpg",
        "/images/aa/" + "a" * 32 + "-image.svg",
        "/images/aa/" + "a" * 32 + "-image.jpg%00",
        "/images/aa/" + "a" * 32 + "-image.jpg/",
    ],
)
def test_what_is_no_image_is_not_there(api: FlaskClient, odd: str) -> None:
    """Only keys of outputs lead anywhere: no folder, no way out, no other object."""
    answer = api.get(odd)
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_an_original_is_not_served(api: FlaskClient, house: House, path: str) -> None:
    """What a client sent is not public."""
    original = next(key for key in house.kept if key.startswith("originals/"))
    assert api.get(f"/{original}").status_code == 404
    assert api.get(f"/images/../{original}").status_code == 404


def test_an_image_that_goes_while_it_is_asked_for(
    api: FlaskClient, house: House, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erased between the look and the reading, it is not there."""
    monkeypatch.setattr(house.store, "open", lambda _: None)
    assert api.get(path).status_code == 404


def test_the_store_away(api: FlaskClient, house: House, path: str) -> None:
    """Without the store an image is unavailable, not missing."""
    house.store.away = True
    assert api.get(path).status_code == 503


SIGNED = {"images": "signed", "secret_key": "known to this test, and to nobody else"}
IN_BUCKET = {"delivery": "redirect", "storage_url": "s3://bucket"}


def image_url(api: FlaskClient) -> str:
    """Where the API says that the image is."""
    url: str = api.get(API).json["jobs"][0]["resized_image_url"]
    return url


def test_a_signed_link_opens_the_image(house: House, path: str) -> None:
    """The job's URL has it; browsers may keep the image until it ends, and nobody else at all."""
    api = client(house, **SIGNED)
    url = image_url(api)
    image = api.get(url)
    assert url.startswith(f"http://localhost{path}?expires=")
    assert (image.status_code, image.data) == (200, BYTES)
    kept = re.fullmatch(r"private, max-age=(\d+)", image.headers["Cache-Control"])
    assert kept
    assert 3000 < int(kept[1]) <= 3600
    assert api.get(url, headers={"Range": "bytes=0-1"}).status_code == 206
    assert api.get(url, headers={"If-None-Match": image.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("query", ["", "?expires=4000000000", "?expires=4000000000&signature=AAAA", "?signature=%FF"])
def test_without_a_good_link_there_is_no_image(house: House, path: str, query: str) -> None:
    """None, half of one, and a forged one: 403 with a code of its own, whether the image is there or not."""
    api = client(house, **SIGNED)
    for name in (path, path.replace("image.jpg", "other.jpg")):
        answer = api.get(name + query)
        assert (answer.status_code, answer.json["code"]) == (403, "invalid-link")
        assert answer.headers["Cache-Control"] == "no-store"
    assert api.get(f"/images/nothing{query}").status_code == 404


def test_a_link_that_has_ended_is_told_apart(house: House, path: str) -> None:
    """Its owner learns how to get a new one."""
    api = client(house, **SIGNED)
    query = LinkSigner(link_key(SIGNED["secret_key"])).query(path.removeprefix("/"), 1_000_000_000)
    answer = api.get(f"{path}?{query}")
    assert (answer.status_code, answer.json["code"]) == (403, "invalid-link")
    assert "expired" in answer.json["detail"]


def test_nginx_delivers_signed_links_too(house: House, path: str) -> None:
    """After the link has been looked at here, under the same word to caches."""
    api = client(house, **SIGNED, accel_path="/_objects/")
    image = api.get(image_url(api))
    assert image.headers["X-Accel-Redirect"] == f"/_objects{path}"
    assert image.headers["Cache-Control"].startswith("private, max-age=")
    assert api.get(path).status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_bucket_delivers_itself(house: House, path: str, method: str) -> None:
    """A redirect to a link that is good for the same method, and that is forgotten before the link ends."""
    house.store.site = "https://bucket.example"
    api = client(house, **IN_BUCKET)
    assert image_url(api) == f"http://localhost{path}"
    answer = api.open(path, method=method)
    assert (answer.status_code, answer.data) == (302, b"")
    assert answer.headers["Location"] == f"https://bucket.example{path}?method={method}&seconds=3600"
    assert answer.headers["Cache-Control"] == "public, max-age=1800"
    assert api.get(path.replace("image.jpg", "other.jpg")).status_code == 404


def test_a_bucket_delivers_signed_links_itself(house: House, path: str) -> None:
    """The job's URL is one of the bucket already."""
    house.store.site = "https://bucket.example"
    assert image_url(client(house, **IN_BUCKET, **SIGNED)).startswith(f"https://bucket.example{path}?")


def test_a_cdn_delivers(house: House, path: str) -> None:
    """Jobs tell its URLs; here the images stay to be had, for a CDN that fetches what it lacks."""
    api = client(house, delivery="public", cdn_url="https://cdn.example/mill/")
    assert image_url(api) == f"https://cdn.example/mill{path}"
    assert api.get(path).data == BYTES
