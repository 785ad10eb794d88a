"""The settings' places: folders and buckets, one or two, with the words that objects carry there."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagemill.config import Settings
from imagemill.domain.formats import ImageFormat
from imagemill.domain.keys import original_key, output_key
from imagemill.storage.buckets import GcsBucket, S3Bucket
from imagemill.storage.places import create_store

ORIGINAL = original_key("ab" * 32, "0123456789abcdef")
OUTPUT = output_key("5" * 32, "image", ImageFormat.JPEG)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, dict[str, Any]]]:
    """The buckets that are opened, and how."""
    opened: list[tuple[object, dict[str, Any]]] = []
    monkeypatch.setattr(
        "imagemill.storage.objects.BucketStore", lambda bucket, **how: opened.append((bucket, how)) or object()
    )
    return opened


def test_a_folder_is_the_default(tmp_path: Path) -> None:
    """In the data folder, for originals and outputs."""
    store = create_store(Settings(data=tmp_path))
    for key in (ORIGINAL, OUTPUT):
        store.put(key, b"data")
        assert (tmp_path / "objects" / key).read_bytes() == b"data"


def test_outputs_may_lie_elsewhere(tmp_path: Path) -> None:
    """Each object in its own place, and both places are looked at."""
    store = create_store(Settings(storage_url=f"file:{tmp_path}/a", outputs_url=f"file:{tmp_path}/b"))
    store.put(ORIGINAL, b"data")
    store.put(OUTPUT, b"data")
    store.check()
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"originals", "drafts"}
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"images", "drafts"}


def test_a_bucket_of_s3(opened: list[tuple[object, dict[str, Any]]]) -> None:
    """Every setting about it arrives."""
    create_store(
        Settings(
            storage_url="s3://bucket/a/b/",
            s3_endpoint="https://minio.example/",
            s3_region="garage",
            s3_access_key_id="name",
            s3_secret_access_key="secret",
            s3_path_style=False,
            storage_seconds=3,
        )
    )
    ((bucket, how),) = opened
    assert bucket == S3Bucket("bucket", "a/b", "https://minio.example", "garage", ("name", "secret"), path_style=False)
    assert how == {"seconds": 3, "allow_http": False, "cache_control": "public, max-age=31536000, immutable"}


def test_a_bucket_of_google(opened: list[tuple[object, dict[str, Any]]], tmp_path: Path) -> None:
    """Likewise; private images are told not to lie in caches between."""
    create_store(
        Settings(
            storage_url="gs://bucket",
            gs_service_account=tmp_path / "account.json",
            gs_endpoint="http://127.0.0.1:9",
            storage_allow_http=True,
            images="signed",
        )
    )
    ((bucket, how),) = opened
    assert bucket == GcsBucket("bucket", "", tmp_path / "account.json", "http://127.0.0.1:9")
    assert (how["allow_http"], how["cache_control"]) == (True, "private, max-age=31536000, immutable")


def test_two_buckets(opened: list[tuple[object, dict[str, Any]]]) -> None:
    """Of any kind each; a role of the machine is used where no key is told."""
    create_store(Settings(storage_url="s3://one", outputs_url="gs://two/b"))
    assert [bucket for bucket, _ in opened] == [S3Bucket("one"), GcsBucket("two", "b")]


def test_a_folder_costs_no_library() -> None:
    """Who has no bucket does not wait for obstore at each start."""
    code = "import sys, imagemill.wiring; raise SystemExit('obstore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
