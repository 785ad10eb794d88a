"""Which store the settings mean. Builds it, and asks it nothing."""

from pathlib import Path

from imagemill.config import Settings
from imagemill.domain.keys import IMMUTABLE, PRIVATE
from imagemill.domain.places import BUCKET_URL
from imagemill.domain.ports import ObjectStore
from imagemill.storage.files import FileStore
from imagemill.storage.split import SplitStore


def create_store(settings: Settings) -> ObjectStore:
    """The object store: one place, or one for originals and another for outputs."""
    originals = open_place(settings.storage, settings)
    if settings.outputs == settings.storage:
        return originals
    return SplitStore(originals, open_place(settings.outputs, settings))


def open_place(url: str, settings: Settings) -> ObjectStore:
    """The store at a URL: a folder, or a bucket with the settings' credentials."""
    if match := BUCKET_URL.fullmatch(url):
        return _in_bucket(match["scheme"], match["bucket"], match["prefix"].strip("/"), settings)
    return FileStore(Path(url.removeprefix("file:")))


def _in_bucket(scheme: str, name: str, prefix: str, settings: Settings) -> ObjectStore:
    # Here, because who has a folder does without the library.
    from imagemill.storage.buckets import Bucket, GcsBucket, S3Bucket  # noqa: PLC0415
    from imagemill.storage.objects import BucketStore  # noqa: PLC0415

    bucket: Bucket
    if scheme == "gs":
        bucket = GcsBucket(name, prefix, settings.gs_service_account, settings.gs_endpoint)
    else:
        secret = settings.s3_secret_access_key
        key = (settings.s3_access_key_id, secret.get_secret_value()) if settings.s3_access_key_id and secret else None
        bucket = S3Bucket(name, prefix, settings.s3_endpoint, settings.s3_region, key, settings.s3_path_style)
    return BucketStore(
        bucket,
        seconds=settings.storage_seconds,
        allow_http=settings.storage_allow_http,
        cache_control=IMMUTABLE if settings.images == "public" else PRIVATE,
    )
