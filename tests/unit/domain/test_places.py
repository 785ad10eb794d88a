"""Where an object store may be."""

import pytest

from imagemill.domain.places import BUCKET_URL, is_place


@pytest.mark.parametrize(
    ("url", "scheme", "bucket", "prefix"),
    [
        ("s3://bucket", "s3", "bucket", ""),
        ("s3://bucket/", "s3", "bucket", ""),
        ("s3://bucket/a/b-1/", "s3", "bucket", "/a/b-1"),
        ("gs://my.bucket_1/a.b", "gs", "my.bucket_1", "/a.b"),
    ],
)
def test_a_bucket_has_a_name_and_perhaps_a_prefix(url: str, scheme: str, bucket: str, prefix: str) -> None:
    """With or without a slash at the end."""
    match = BUCKET_URL.fullmatch(url)
    assert match
    assert (match["scheme"], match["bucket"], match["prefix"]) == (scheme, bucket, prefix)


@pytest.mark.parametrize("url", ["file:/srv/images", "file:images"])
def test_a_folder_is_a_place(url: str) -> None:
    """Wherever it is."""
    assert is_place(url)


@pytest.mark.parametrize(
    "url",
    ["", "s3://", "s3:bucket", "s3://ab/../c", "s3://bucket//a", "s3://bucket/.a", "s3://Bucket", "s3://bucket?a=b"],
)
def test_what_is_no_place(url: str) -> None:
    """No way out of a prefix, no name that no bucket has, nothing behind it."""
    assert not is_place(url)
