"""The doorbell over Redis or Valkey: publish/subscribe on one channel."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from imagemill.doorbell.listening import RING_SECONDS, ListeningDoorbell

_SILENCE_SECONDS = 10.0


class RedisDoorbell(ListeningDoorbell):
    """Rings and listens on one channel.

    Args:
        url: of the broker, in Celery's spelling.
        channel: name of the channel.
    """

    troubles = (RedisError, OSError)

    def __init__(self, url: str, channel: str) -> None:
        super().__init__()
        self._url = _redis_url(url)
        self._channel = channel
        self._ringer: Redis | None = None

    def publish(self, token: str) -> None:
        """Let every process that listens know."""
        if self._ringer is None:
            self._ringer = self._connect(RING_SECONDS)
        self._ringer.publish(self._channel, token)

    def listen_until_trouble(self) -> None:
        """Subscribe, and wake for each ring."""
        with self._connect(2 * _SILENCE_SECONDS) as client, client.pubsub() as subscription:
            subscription.subscribe(self._channel)
            asked = False
            while not self.closed:
                message = subscription.get_message(timeout=_SILENCE_SECONDS)
                if message is None:
                    # Nobody rang, or the line is dead without having been closed.
                    if asked:
                        raise RedisTimeoutError("no answer to a ping")
                    subscription.ping()
                asked = message is None
                if message and message["type"] == "subscribe":
                    self.subscribed()
                elif message and message["type"] == "message":
                    self.wake(message["data"].decode("ascii", "replace"))

    def _connect(self, timeout_seconds: float | None) -> Redis:
        return Redis.from_url(
            self._url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=RING_SECONDS,
            # Its own default is to try three times with growing pauses, while a finished job waits.
            retry=Retry(NoBackoff(), 0),
        )


def _redis_url(celery_url: str) -> str:
    # Celery says redis+socket:///path?virtual_host=0 where redis-py says unix:///path?db=0.
    return celery_url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1)
