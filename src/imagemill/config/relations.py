"""Settings that have to go together."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from imagemill.config.deployment import Profile
from imagemill.domain.formats import ImageFormat

if TYPE_CHECKING:
    from imagemill.config.settings import Settings


def contradictions(settings: "Settings") -> Iterator[str]:
    """A sentence for each pair of settings that do not go together, by the names of their variables."""
    yield from _of_work(settings)
    yield from _of_observability(settings)
    yield from _of_profile(settings)
    yield from _of_access(settings)
    yield from _of_storage(settings)
    yield from _of_delivery(settings)
    yield from _of_formats(settings)


def _of_work(settings: "Settings") -> Iterator[str]:
    if settings.job_hard_seconds <= settings.job_soft_seconds:
        yield "IMAGEMILL_JOB_HARD_SECONDS must be greater than IMAGEMILL_JOB_SOFT_SECONDS"


def _of_observability(settings: "Settings") -> Iterator[str]:
    if settings.metrics_port == settings.port:
        yield "IMAGEMILL_METRICS_PORT must be another port than IMAGEMILL_PORT"


def _of_profile(settings: "Settings") -> Iterator[str]:
    if settings.faults and settings.profile is not Profile.TESTING:
        yield "IMAGEMILL_FAULTS works in the testing profile only"
    if settings.profile.guarded and not settings.secret_key:
        yield f"IMAGEMILL_SECRET_KEY must be set when IMAGEMILL_PROFILE is {settings.profile}"


def _of_access(settings: "Settings") -> Iterator[str]:
    if settings.oidc_issuer and not settings.oidc_audience:
        yield "IMAGEMILL_OIDC_AUDIENCE must be set when IMAGEMILL_OIDC_ISSUER is"
    if settings.oidc_issuer and not settings.auth_required:
        yield "IMAGEMILL_OIDC_ISSUER does nothing unless IMAGEMILL_AUTH is required"


def _of_storage(settings: "Settings") -> Iterator[str]:
    if (settings.s3_access_key_id is None) != (settings.s3_secret_access_key is None):
        yield "IMAGEMILL_S3_ACCESS_KEY_ID and IMAGEMILL_S3_SECRET_ACCESS_KEY belong together"
    if not settings.s3_path_style and not settings.s3_endpoint:
        yield "IMAGEMILL_S3_PATH_STYLE can be turned off only with an IMAGEMILL_S3_ENDPOINT"
    for name, endpoint in (("S3", settings.s3_endpoint), ("GS", settings.gs_endpoint)):
        if endpoint and endpoint.startswith("http:") and not settings.storage_allow_http:
            yield f"IMAGEMILL_{name}_ENDPOINT is without TLS, and IMAGEMILL_STORAGE_ALLOW_HTTP is not set"


def _of_delivery(settings: "Settings") -> Iterator[str]:
    if (settings.delivery == "public") != (settings.cdn_url is not None):
        yield "IMAGEMILL_DELIVERY=public and IMAGEMILL_CDN_URL belong together"
    if settings.delivery == "public" and settings.images == "signed":
        yield "IMAGEMILL_IMAGES=signed does not go with IMAGEMILL_DELIVERY=public: a CDN asks for no link"
    if settings.delivery == "redirect" and settings.outputs.startswith("file:"):
        yield "IMAGEMILL_DELIVERY=redirect needs outputs in a bucket"
    if settings.delivery == "redirect" and settings.accel_path:
        yield "IMAGEMILL_ACCEL_PATH belongs to IMAGEMILL_DELIVERY=proxy"


def _of_formats(settings: "Settings") -> Iterator[str]:
    if ImageFormat.HEIC in settings.taken and find_spec("pillow_heif") is None:
        yield "IMAGEMILL_INPUT_FORMATS names heic, which needs more: pip install 'imagemill[heic]'"
