"""Settings of the record: its database."""

from pydantic import Field

from imagemill.config.deployment import Deployment
from imagemill.config.spelling import DatabaseUrl


class Record(Deployment):
    """Where the record is, and how its database is used."""

    database_url: DatabaseUrl | None = Field(
        None,
        description="Where the record is: sqlite:///, postgresql://, or mysql:// for MySQL and MariaDB. "
        "Left out, SQLite in the data folder.",
    )
    database_timeout_seconds: int = Field(
        5,
        ge=2,
        le=60,
        description="How long the database may take to let in, to grant a lock or a free connection, or to run a "
        "statement; then requests are answered 503.",
    )
    database_pool_size: int = Field(
        8,
        ge=1,
        le=64,
        description="Connections that one process may hold; no more are opened than it uses at once. "
        "An API process uses one for each thread at most, a worker child two, the beat one.",
    )
    database_recycle_seconds: int = Field(
        1800, ge=1, description="Age at which a connection is replaced; less than what a firewall forgets after."
    )

    @property
    def database(self) -> str:
        """URL of the record."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'imagemill.db'}"
