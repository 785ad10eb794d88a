"""What buckets owe beyond the port: attributes, links that end, patience with a store that stumbles, and its end."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.keys import IMMUTABLE, original_key, output_key
from imagemill.errors import StoreUnavailable
from imagemill.storage.buckets import S3Bucket
from imagemill.storage.objects import StoreError
from tests.buckets import KEY, Moto, Rclone, open_bucket
from tests.gcs import GoogleStub
from tests.servers import eventually

ORIGINAL = original_key("ab" * 32, "0123456789abcdef")
OUTPUT = output_key("5" * 32, "image", ImageFormat.WEBP)
PNG = b"\x89PNG\r\n\x1a\n and so on"
DEADLINE_SECONDS = 60.0


@pytest.fixture(params=["rclone", "moto", "google"])
def server(request: pytest.FixtureRequest) -> Rclone | Moto | GoogleStub:
    """A server of each kind."""
    found: Rclone | Moto | GoogleStub = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["rclone", "google"])
def strict(request: pytest.FixtureRequest) -> Rclone | GoogleStub:
    """A server of each kind that checks signatures."""
    found: Rclone | GoogleStub = request.getfixturevalue(request.param)
    return found


def fetch(url: str | None) -> httpx2.Response:
    """What anybody gets under a link."""
    assert url is not None
    return httpx2.get(url, trust_env=False, timeout=DEADLINE_SECONDS)


def reason(failing: Callable[[], object]) -> str:
    """What the log says of a call that must fail."""
    with pytest.raises(StoreUnavailable) as caught:
        failing()
    assert isinstance(caught.value.__cause__, StoreError)
    return str(caught.value.__cause__)


@pytest.mark.parametrize(("key", "data", "media_type"), [(OUTPUT, b"x", "image/webp"), (ORIGINAL, PNG, "image/png")])
def test_objects_carry_their_type(server: Rclone | Moto | GoogleStub, key: str, data: bytes, media_type: str) -> None:
    """Whoever fetches an object from the bucket is told what it is; an original's type is read from its bytes."""
    store = open_bucket(server.bucket())
    store.put(key, data)
    answer = fetch(store.link(key, 60))
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["Content-Type"] == media_type


def test_what_is_no_image_is_bytes(google: GoogleStub) -> None:
    """Nothing that a browser would run."""
    store = open_bucket(google.bucket())
    store.put(ORIGINAL, b"<script>")
    assert fetch(store.link(ORIGINAL, 60)).headers["Content-Type"] == "application/octet-stream"


def test_outputs_may_be_kept_for_ever_and_originals_are_not_public(server: Rclone | Moto | GoogleStub) -> None:
    """The word to caches is with the object, so that the bucket says it too."""
    store = open_bucket(server.bucket())
    for key in (OUTPUT, ORIGINAL):
        store.put(key, PNG)
    assert fetch(store.link(OUTPUT, 60)).headers["Cache-Control"] == IMMUTABLE
    assert "Cache-Control" not in fetch(store.link(ORIGINAL, 60)).headers


def test_a_link_is_good_for_one_object_and_method(strict: Rclone | GoogleStub) -> None:
    """Another key under the same signature, or another method, is refused; HEAD has links of its own."""
    store = open_bucket(strict.bucket())
    other = OUTPUT.replace("image.webp", "other.webp")
    for key in (OUTPUT, other):
        store.put(key, b"data")
    url = store.link(OUTPUT, 60) or ""
    assert fetch(url).status_code == 200
    assert fetch(url.replace(OUTPUT, other)).status_code == 403
    assert httpx2.delete(url, trust_env=False).status_code == 403
    assert httpx2.head(store.link(OUTPUT, 60, "HEAD") or "", trust_env=False).status_code == 200


def test_a_link_ends(strict: Rclone | GoogleStub) -> None:
    """After its time it leads nowhere."""
    store = open_bucket(strict.bucket())
    store.put(OUTPUT, b"data")
    url = store.link(OUTPUT, 1)
    eventually(lambda: fetch(url).status_code in (400, 403), DEADLINE_SECONDS, "the end of the link")
    assert fetch(store.link(OUTPUT, 60)).status_code == 200


def test_a_wrong_key_is_trouble_and_no_missing_image(rclone: Rclone) -> None:
    """Every call says that the store does not answer, and the log why."""
    store = open_bucket(rclone.bucket(key=(KEY[0], "another-secret")))
    assert reason(lambda: store.get(OUTPUT)) == "SignatureDoesNotMatch"
    assert reason(lambda: store.put(OUTPUT, b"data")) == "SignatureDoesNotMatch"
    assert reason(lambda: store.delete(OUTPUT)) == "SignatureDoesNotMatch"
    assert reason(lambda: list(store.list_originals("ab", 0))) == "SignatureDoesNotMatch"
    assert reason(lambda: store.stat(OUTPUT)) == "403 Forbidden"
    assert reason(store.check) == "SignatureDoesNotMatch"


def test_the_environments_token_does_not_join_another_key(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session token that belongs to the machine is not sent with a key from the settings."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-machine")
    assert "of-the-machine" not in (open_bucket(moto.bucket()).link(OUTPUT, 60) or "")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-machine-too")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "likewise")
    assert "Token=of-the-machine" in (open_bucket(moto.bucket(key=None)).link(OUTPUT, 60) or "")


def test_a_bucket_may_be_in_the_host_name() -> None:
    """As AWS has it; else it is the first part of the path."""
    bucket = S3Bucket("images", "mill", "https://s3.eu-central-1.amazonaws.com", "eu-central-1", KEY, path_style=False)
    link = open_bucket(bucket).link(OUTPUT, 60) or ""
    assert link.startswith(f"https://images.s3.eu-central-1.amazonaws.com/mill/{OUTPUT}?")
    assert (open_bucket(S3Bucket("images", key=KEY)).link(OUTPUT, 60) or "").startswith(
        f"https://s3.us-east-1.amazonaws.com/images/{OUTPUT}?"
    )


def test_google_may_be_elsewhere(google: GoogleStub) -> None:
    """An endpoint in the settings wins over the account's file."""
    store = open_bucket(google.bucket(endpoint="http://127.0.0.1:9"))
    assert (store.link(OUTPUT, 60) or "").startswith(f"http://127.0.0.1:9/images/{OUTPUT}?")
    account = google.account.with_name("named.json")
    account.write_text(google.account.read_text())
    open_bucket(google.bucket(service_account=account, endpoint=google.url)).put(OUTPUT, b"data")


def test_a_missing_bucket_is_no_missing_image(rclone: Rclone, google: GoogleStub) -> None:
    """Otherwise a wrong word in a setting would end jobs whose images are safe."""
    for bucket in (S3Bucket("another", endpoint=rclone.url, key=KEY), google.bucket(name="another")):
        store = open_bucket(bucket)
        assert reason(lambda store=store: store.get(OUTPUT)) == "NoSuchBucket"
        assert reason(lambda store=store: store.open(OUTPUT)) == "NoSuchBucket"
        assert reason(lambda store=store: store.delete(OUTPUT)) == "NoSuchBucket"
        assert reason(lambda store=store: store.put(OUTPUT, b"data")) == "NoSuchBucket"
        assert reason(store.check) == "NoSuchBucket"


def test_an_account_that_cannot_be_read_is_trouble(google: GoogleStub, tmp_path: Path) -> None:
    """The first use says so, not the start of a process that may never need it."""
    store = open_bucket(google.bucket(service_account=tmp_path / "none.json"))
    assert reason(lambda: store.get(OUTPUT))


def test_a_place_that_is_no_store_is_trouble(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers 404 to a put of anything is not a place where the image is merely missing."""

    def nowhere(*_: object, **__: object) -> None:
        raise FileNotFoundError("Server returned non-2xx status code: 404 Not Found: <html>")

    monkeypatch.setattr("imagemill.storage.objects.obstore.put", nowhere)
    assert reason(lambda: open_bucket(moto.bucket()).put(OUTPUT, b"data")) == "404 Not Found"


def test_an_original_is_one_request(google: GoogleStub) -> None:
    """Also one of many megabytes: no multipart upload, of which parts might stay."""
    store = open_bucket(google.bucket())
    google.asked.clear()
    store.put(ORIGINAL, bytes(20 * 2**20))
    assert [method for method, _ in google.asked] == ["PUT"]


def test_a_store_that_stumbles_is_asked_again(google: GoogleStub) -> None:
    """Two answers of 503 cost a moment and no error."""
    store = open_bucket(google.bucket())
    for call in (lambda: store.put(OUTPUT, b"data"), lambda: store.get(OUTPUT), lambda: store.delete(OUTPUT)):
        google.stumbles = 2
        call()
        assert google.stumbles == 0


def test_a_store_that_stays_away_is_given_up() -> None:
    """Nobody listens: within seconds, though it was tried more than once."""
    store = open_bucket(S3Bucket("images", endpoint="http://127.0.0.1:9", key=KEY))
    began = time.monotonic()
    assert reason(lambda: store.put(OUTPUT, b"data")) == "Connection refused"
    assert 0.1 < time.monotonic() - began < 20


def test_a_store_that_says_nothing_is_given_up(rclone: Rclone) -> None:
    """It took the connection and is frozen: each call ends when its time is over, and the store is used again after."""
    store = open_bucket(rclone.bucket(), seconds=0.5)
    store.put(OUTPUT, b"data")
    rclone.freeze()
    try:
        assert reason(lambda: store.put(OUTPUT, b"data")) == "Timeout"
        assert reason(lambda: store.stat(OUTPUT)) == "Timeout"
    finally:
        rclone.thaw()
    eventually(lambda: store.stat(OUTPUT), DEADLINE_SECONDS, "the store's return")


def test_a_trial_leaves_nothing_and_is_not_repeated_at_once(google: GoogleStub) -> None:
    """A load balancer asks every second, and each put is paid for; a failure is never remembered."""
    store = open_bucket(google.bucket("trial"))
    google.asked.clear()
    store.check()
    store.check()
    assert [method for method, _ in google.asked] == ["PUT", "GET", "DELETE", "GET"]
    assert not any("trial" in key for key in google.objects)
    broken = open_bucket(google.bucket(name="another"))
    for _ in range(2):
        assert reason(broken.check)


@pytest.mark.parametrize(
    ("broken", "said"),
    [("PUT", "what was put cannot be read"), ("DELETE", "what was deleted is still there")],
)
def test_a_store_that_forgets_or_keeps_is_trouble(google: GoogleStub, broken: str, said: str) -> None:
    """What was put must be there, and what was deleted must not."""
    store = open_bucket(google.bucket())
    google.pretending = broken
    try:
        assert reason(store.check) == said
    finally:
        google.pretending = ""


def test_a_reader_fetches_what_is_read(google: GoogleStub) -> None:
    """From the beginning it is one request; elsewhere another one, for the rest from there; past the end none."""
    data = bytes(range(256)) * 1024
    store = open_bucket(google.bucket())
    store.put(OUTPUT, data)
    google.asked.clear()
    reader = store.open(OUTPUT)
    assert reader is not None
    with reader:
        assert reader.read(10) == data[:10]
        assert reader.seek(0, os.SEEK_CUR) == 10
        assert reader.read() == data[10:]
        assert len(google.asked) == 1
        reader.seek(-300, os.SEEK_END)
        assert reader.read() == data[-300:]
        assert len(google.asked) == 2
        reader.seek(len(data) + 5)
        assert reader.read(1) == b""
        with pytest.raises(ValueError, match="beginning"):
            reader.seek(-1)
        assert len(google.asked) == 2


def test_an_image_that_is_erased_while_it_is_read(google: GoogleStub) -> None:
    """The reader says that the store cannot go on, and not that the image ends here."""
    store = open_bucket(google.bucket())
    store.put(OUTPUT, b"data")
    reader = store.open(OUTPUT)
    assert reader is not None
    store.delete(OUTPUT)
    with reader:
        reader.seek(2)
        with pytest.raises(StoreUnavailable):
            reader.read()


def test_a_forked_child_is_told_instead_of_hanging(moto: Moto) -> None:
    """obstore's threads are not in the child: a call would wait for ever, also with a store that the child has made."""
    bucket = moto.bucket()
    open_bucket(bucket).put(OUTPUT, b"data")
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_use_in_child, args=(bucket, theirs))
    child.start()
    theirs.close()
    assert ours.poll(DEADLINE_SECONDS), "the child hangs"
    assert ours.recv() == "obstore was used before this process was forked"
    child.join()


def _use_in_child(bucket: S3Bucket, parent: object) -> None:
    try:
        open_bucket(bucket).get(OUTPUT)
    except StoreUnavailable as error:
        parent.send(str(error.__cause__))  # type: ignore[attr-defined]
    os._exit(0)


def test_a_child_of_one_who_has_not_used_it_may() -> None:
    """A store that was only made before the fork works after it."""
    code = (
        "import os\n"
        "from tests.buckets import KEY, open_bucket\n"
        "from imagemill.storage.buckets import S3Bucket\n"
        "store = open_bucket(S3Bucket('images', key=KEY))\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        f"    os._exit(0 if store.link({OUTPUT!r}, 60) else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, timeout=DEADLINE_SECONDS, check=False)
    assert ended.returncode == 0
