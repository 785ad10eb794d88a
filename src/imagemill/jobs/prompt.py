"""A PostgreSQL connection that never waits for ever. Loaded only where PostgreSQL is used: psycopg is optional."""

from psycopg import Connection, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus


class PromptConnection(Connection):
    """Gives up a server that does not answer.

    Keepalives cannot tell: the kernel of a machine whose server is frozen goes on acknowledging.
    """

    answer_seconds: float = 0.0
    """The longest wait for an answer; 0 waits for ever."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As the driver's, but not longer than `answer_seconds`; then the connection is closed."""
        try:
            return super().wait(gen, interval, timeout or self.answer_seconds or None)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # Still owed an answer: the rollback that follows would wait for it once more.
                self.pgconn.finish()
            raise
