"""A PostgreSQL connection that never waits for ever. Loaded only where PostgreSQL is used: psycopg is optional."""

from psycopg import Connection, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus

ANSWER_SECONDS = 7.0
"""The longest wait for an answer. The server itself ends a statement sooner, so this is for one that is frozen."""


class PromptConnection(Connection):
    """Gives up a server that does not answer.

    Keepalives cannot tell: the kernel of a machine whose server is frozen goes on acknowledging.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As the driver's, but not longer than ANSWER_SECONDS; then the connection is closed."""
        try:
            return super().wait(gen, interval, timeout or ANSWER_SECONDS)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # Still owed an answer: the rollback that follows would wait for it once more.
                self.pgconn.finish()
            raise
