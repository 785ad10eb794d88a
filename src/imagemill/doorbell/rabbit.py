"""The doorbell over RabbitMQ: a fanout exchange, to which each process that listens binds a queue of its own."""

import threading
from contextlib import suppress

from kombu import Connection, Consumer, Exchange, Producer, Queue

from imagemill import amqp
from imagemill.doorbell.listening import RING_SECONDS, ListeningDoorbell

_LOOK_SECONDS = 1.0
_HEARTBEAT_SECONDS = 10
"""How often the server has to be heard; a line that carries nothing for twice as long is dead."""


class RabbitDoorbell(ListeningDoorbell):
    """Rings and listens on one exchange. A ring is not confirmed and not kept: who does not listen need not know.

    Args:
        url: of the broker.
        exchange: its name.
    """

    troubles = amqp.TROUBLES

    def __init__(self, url: str, exchange: str) -> None:
        super().__init__()
        self._url = url
        # Durable: what is neither that nor exclusive is on its way out of RabbitMQ.
        self._exchange = Exchange(exchange, "fanout", durable=True, delivery_mode="transient")
        self._ringing = threading.Lock()
        self._link: Connection | None = None
        self._ringer: Producer | None = None

    def publish(self, token: str) -> None:
        """Let every process that listens know."""
        # A line is no place for two threads.
        with self._ringing:
            try:
                self._publish(token)
            except amqp.TROUBLES as error:
                if isinstance(error.__cause__ or error, TimeoutError):
                    raise
                # A line does not notice that the broker was restarted until it is used; a new one works.
                self._publish(token)

    def close(self) -> None:
        """Listen no more, and let go of the line for rings."""
        super().close()
        with self._ringing:
            self._hang_up()

    def listen_until_trouble(self) -> None:
        """Bind a queue that ends with the connection, and wake for each ring."""
        with amqp.connect(self._url, 2 * RING_SECONDS, _HEARTBEAT_SECONDS) as link:
            # Its name is the server's choice.
            queue = Queue("", self._exchange, exclusive=True, auto_delete=True, durable=False, no_ack=True)
            with Consumer(link, queue, on_message=lambda message: self.wake(str(message.body))):
                self.subscribed()
                while not self.closed:
                    with suppress(TimeoutError):  # Nobody rang.
                        link.drain_events(timeout=_LOOK_SECONDS)
                    link.heartbeat_check()

    def _publish(self, token: str) -> None:
        if self._link is None:
            self._link = amqp.connect(self._url, RING_SECONDS)
        try:
            if self._ringer is None:
                # By itself it would try again after two seconds.
                self._link.ensure_connection(max_retries=0)
                self._ringer = Producer(self._link.channel(), self._exchange)
            self._ringer.publish(token.encode(), content_type="text/plain", content_encoding="ascii")
        except amqp.TROUBLES:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        if self._link is not None:
            # Not `close`, which says goodbye and waits for an answer.
            self._link.collect()
        self._link = self._ringer = None
