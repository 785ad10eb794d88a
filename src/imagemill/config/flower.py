"""Settings of Flower, the window onto the workers."""

from pydantic import Field, SecretStr

from imagemill.config.deployment import Deployment


class Flower(Deployment):
    """Where Flower answers, and who may see and do what there."""

    task_events: bool = Field(
        False, description="Whether Celery tells of each task as it goes; Flower shows nothing without."
    )
    flower_host: str = Field("127.0.0.1", description="Address that `imagemill flower` listens on.")
    flower_port: int = Field(5555, ge=1, le=65535, description="TCP port that `imagemill flower` listens on.")
    flower_prefix: str = Field(
        "flower", pattern="^[A-Za-z0-9_-]+$", description="Path under which `imagemill flower` answers."
    )
    flower_users: SecretStr | None = Field(
        None,
        description="Who may see Flower, as `name:password`, several separated by commas. Left out, whom FLOWER_AUTH "
        "and FLOWER_OAUTH2_… let in; outside development one of the two is required.",
    )
    flower_operates: bool = Field(
        False, description="Whether Flower may also stop workers and revoke tasks, instead of only showing them."
    )
