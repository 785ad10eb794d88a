"""A connection to MySQL or MariaDB that asks nothing in vain. Loaded only where one is used: PyMySQL is optional."""

from pymysql.connections import Connection
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS


class QuietConnection(Connection):
    """Rolls back where there is something to roll back; SQLAlchemy asks for it whenever a connection is given back."""

    server_status: int

    def rollback(self) -> None:
        """As the driver's, without its round trip where the last answer has told of no transaction."""
        if self.server_status & SERVER_STATUS_IN_TRANS:
            super().rollback()
