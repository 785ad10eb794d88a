"""Settings of the object store."""

from pathlib import Path

from pydantic import Field, SecretStr

from imagemill.config.deployment import Deployment
from imagemill.config.spelling import HttpUrl, PlaceUrl


class Storage(Deployment):
    """Where originals and outputs lie, and how a bucket is reached."""

    storage_url: PlaceUrl | None = Field(
        None,
        description="Where originals and outputs lie: file: and a folder, s3://bucket/prefix or gs://bucket/prefix. "
        "Left out, the folder `objects` in the data folder.",
    )
    outputs_url: PlaceUrl | None = Field(
        None, description="Where outputs lie, if not with the originals; in the same words."
    )
    storage_seconds: float = Field(
        10, gt=0, le=300, description="How long one request to a bucket may take, an upload as a whole."
    )
    storage_allow_http: bool = Field(
        False, description="Whether a bucket may be spoken to without TLS: keys are not sent, but images are."
    )
    s3_endpoint: HttpUrl | None = Field(
        None, description="Where S3 is spoken, such as https://minio.example:9000. Left out, AWS itself."
    )
    s3_region: str | None = Field(
        None, pattern="^[A-Za-z0-9-]{1,64}$", description="The bucket's region, as its provider calls it."
    )
    s3_access_key_id: str | None = Field(
        None,
        min_length=1,
        description="Name of the key for S3. Left out, AWS_ACCESS_KEY_ID and its kin count, then the role of the "
        "container or the machine.",
    )
    s3_secret_access_key: SecretStr | None = Field(None, min_length=1, description="The key for S3 of that name.")
    s3_path_style: bool = Field(
        True, description="Whether URLs have the bucket in their path; turned off, it is in the endpoint's host name."
    )
    gs_service_account: Path | None = Field(
        None,
        description="File with the key of a service account, for gs://. Left out, GOOGLE_APPLICATION_CREDENTIALS names "
        "it, or the machine has an account.",
    )
    gs_endpoint: HttpUrl | None = Field(
        None, description="Where the XML API of Google Cloud Storage is spoken. Left out, Google itself."
    )

    @property
    def storage(self) -> str:
        """URL of the place of originals."""
        return self.storage_url or f"file:{self.data.absolute() / 'objects'}"

    @property
    def outputs(self) -> str:
        """URL of the place of outputs."""
        return self.outputs_url or self.storage
