"""What the doctor finds of the places where images lie."""

import errno
import os
from pathlib import Path

import pytest

from imagemill.cli import examination, stores
from imagemill.cli.finding import Finding, Verdict
from imagemill.config import Settings
from imagemill.errors import StoreUnavailable
from imagemill.storage.files import FileStore
from imagemill.storage.objects import BucketStore, StoreError


def findings(settings: Settings) -> dict[str, Finding]:
    """What is found, by the place's part."""
    return {finding.part: finding for finding in stores.check_store(settings)}


def test_a_folder_that_answers(tmp_path: Path) -> None:
    """One finding for the one place."""
    FileStore(tmp_path / "objects").check()
    found = findings(Settings(data=tmp_path))
    assert {part: finding.verdict for part, finding in found.items()} == {"store": Verdict.OK}


def test_a_folder_that_cannot_be_written_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why, and which setting names another one."""
    FileStore(tmp_path / "objects").check()

    def full(_: FileStore) -> None:
        raise StoreUnavailable("There is no room for more images.")

    monkeypatch.setattr(FileStore, "check", full)
    found = findings(Settings(data=tmp_path))["store"]
    assert (found.verdict, found.detail) == (Verdict.FAIL, "There is no room for more images.")
    assert "IMAGEMILL_STORAGE_URL" in found.remedy


def test_a_full_disk_is_no_question_of_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What helps is room, and that is what the doctor asks for."""
    FileStore(tmp_path / "objects").check()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert findings(Settings(data=tmp_path))["store"].remedy.startswith("Make room")
    (folder,) = examination.check_folder(Settings(data=tmp_path))
    assert folder.remedy.startswith("Make room")


def test_a_bucket_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried, and the trial's time is told; two places are two findings."""
    monkeypatch.setattr(BucketStore, "check", lambda _: None)
    found = findings(Settings(storage_url="s3://one", outputs_url="gs://two"))
    assert [(finding.part, finding.verdict) for finding in found.values()] == [
        ("originals", Verdict.OK),
        ("outputs", Verdict.OK),
    ]
    assert found["originals"].detail.startswith("s3://one answers; a trial took ")


@pytest.mark.parametrize(
    ("said", "advised"),
    [
        ("InvalidAccessKeyId", "S3_SECRET_ACCESS_KEY"),
        ("SignatureDoesNotMatch", "S3_SECRET_ACCESS_KEY"),
        ("AccessDenied", "list"),
        ("403 Forbidden", "list"),
        ("NoSuchBucket", "Make the bucket"),
        ("RequestTimeTooSkewed", "clock"),
        ("PermanentRedirect", "S3_REGION"),
        ("Connection refused", "network"),
    ],
)
def test_what_a_bucket_says_decides_the_advice(monkeypatch: pytest.MonkeyPatch, said: str, advised: str) -> None:
    """The cause is told, and what mends it."""

    def away(_: BucketStore) -> None:
        raise StoreUnavailable("The image store does not answer.") from StoreError(said)

    monkeypatch.setattr(BucketStore, "check", away)
    found = findings(Settings(storage_url="s3://bucket"))["store"]
    assert found.verdict is Verdict.FAIL
    assert said in found.detail
    assert advised in found.remedy
