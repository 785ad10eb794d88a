"""The broker: the Celery app, and the queue that sends a token and nothing else. Knows no job and no image."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from celery import Celery
from celery.app.amqp import task_message
from celery.app.task import Context
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from imagemill import amqp, redis_channel
from imagemill.config import Settings
from imagemill.errors import BrokerUnavailable

RENDER_TASK = "imagemill.render"
ANSWER_SECONDS = 2.0
"""How long the broker may take to answer; a frozen one must not hold a request for longer."""

QUIET_SECONDS = 5.0
"""After a broker that did not answer, nothing is sent for this long: the sweep does it."""

_ORIGIN = "imagemill"
"""The message's header for what belongs to it and is no token: it only helps to see."""

_HEARTBEAT_SECONDS = 10
"""How often a worker has to hear of RabbitMQ; with a line that is silent for twice as long it is over."""

_TROUBLES = (*amqp.TROUBLES, RedisError)


def create_celery(settings: Settings) -> Celery:
    """The Celery app, for those who send and for those who work. Connects to nothing yet.

    The record is the truth, so Celery is asked for little: no results, no retries, no redelivery of its own.
    """
    app = Celery("imagemill", broker=settings.broker, include=["imagemill.worker"], set_as_current=False)
    app.conf.update(
        task_default_queue=settings.queue,
        task_ignore_result=True,
        # A message that is redelivered is harmless, one that is lost is found by the sweep; but a task must not be
        # redelivered because it killed its worker: that loop would never end.
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_publish_retry=False,
        task_soft_time_limit=settings.job_soft_seconds,
        task_time_limit=settings.job_hard_seconds,
        # One job for each child and one more, so that no child waits for the broker between two jobs. If the first of
        # them is slow, the sweep sends the second to whoever is free.
        worker_prefetch_multiplier=2,
        worker_disable_rate_limits=True,
        # libvips hangs in a child whose parent used it before the fork.
        worker_pool_start_method="spawn",
        worker_proc_alive_timeout=60.0,
        worker_max_tasks_per_child=settings.worker_max_jobs,
        worker_max_memory_per_child=settings.worker_max_resident_bytes // 1024,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=settings.task_events,
        task_send_sent_event=settings.task_events,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Every thread of an API process may send at once, and must not wait for another's connection.
        broker_pool_limit=settings.api_threads,
        broker_connection_timeout=ANSWER_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        **(_for_rabbit if amqp.spoken(settings.broker) else _for_redis)(settings),
    )
    return app


def _for_redis(settings: Settings) -> dict[str, Any]:
    redis_channel.register()
    return {
        "broker_use_ssl": redis_channel.tls(settings.broker),
        "broker_transport_options": {
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
            # Who sends does not wait for a broker to come up; a worker has a loop of its own for that.
            "max_retries": 0,
        },
    }


def _for_rabbit(settings: Settings) -> dict[str, Any]:
    return {
        "broker_transport_options": amqp.transport_options(ANSWER_SECONDS),
        "broker_use_ssl": amqp.tls(settings.broker),
        "broker_heartbeat": _HEARTBEAT_SECONDS,
        # Replicated where there are several nodes, and on the disk before a message is confirmed. The second is for
        # queues that a worker is told to serve beside the default one.
        "task_default_queue_type": "quorum",
        "task_create_missing_queue_type": "quorum",
        "worker_detect_quorum_queues": True,
    }


def origin_of(task: Context) -> dict[str, str]:
    """The ids of the request behind a task's message; empty if it was sent by a sweep, or by an older release."""
    found: dict[str, str] = task.get(_ORIGIN) or {}
    return found


def worker_answers(app: Celery, timeout_seconds: float) -> bool:
    """Whether a worker of this broker answers a ping within the time."""
    try:
        return bool(app.control.ping(timeout=timeout_seconds, limit=1))
    except _TROUBLES:
        return False


class CeleryQueue:
    """Sends tokens through Celery.

    Args:
        app: from `create_celery`.
        clock: seconds of a clock that never goes back.
        headers: asked for each message for the ids of the request behind it; the worker finds them with `origin_of`.
    """

    def __init__(
        self,
        app: Celery,
        clock: Callable[[], float] = time.monotonic,
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._app = app
        self._clock = clock
        self._headers = headers
        self._confirmed = amqp.spoken(app.conf.broker_url)
        self._quiet_until = float("-inf")

    def send(self, token: UUID) -> None:
        """Send a token; its task has the same id. Raises BrokerUnavailable within ANSWER_SECONDS or so."""
        if self._clock() < self._quiet_until:
            raise BrokerUnavailable("The broker did not answer a moment ago.")
        try:
            self._publish(str(token))
        except _TROUBLES as error:
            self._quiet_until = self._clock() + QUIET_SECONDS
            raise _away(error) from error

    def check(self) -> None:
        """Raise BrokerUnavailable unless the broker answers."""
        try:
            with self._app.connection_for_write() as link:
                link.ensure_connection(max_retries=0)
                # Opening a channel asks the broker something and waits for the answer.
                link.channel()
        except _TROUBLES as error:
            raise _away(error) from error

    def _publish(self, token: str) -> None:
        # As `send_task` does, but for a task that has one queue and no options: that takes a quarter less.
        message = self._app.amqp.as_task_v2(
            token,
            RENDER_TASK,
            (token,),
            ignore_result=True,
            argsrepr=repr((token,)),
            kwargsrepr="{}",
            create_sent_event=self._app.conf.task_send_sent_event,
        )
        message.headers[_ORIGIN] = dict(self._headers())
        try:
            self._send(message)
        except _TROUBLES as error:
            if isinstance(error.__cause__ or error, RedisTimeoutError | TimeoutError):
                raise
            # A pooled connection does not notice that the broker was restarted until it is used; a new one works.
            self._send(message)

    def _send(self, message: task_message) -> None:
        with self._app.producer_or_acquire() as producer:
            try:
                self._app.amqp.send_task_message(
                    producer, RENDER_TASK, message, confirm_timeout=ANSWER_SECONDS if self._confirmed else None
                )
            except _TROUBLES:
                if self._confirmed:
                    # A confirm that comes late would be taken for the next message's.
                    _hang_up(producer.connection)
                raise


def _hang_up(link: Any) -> None:
    # Not `close`, which says goodbye and waits for an answer.
    if link is not None:
        link.collect()


def _away(error: Exception) -> BrokerUnavailable:
    if amqp.refused(error):
        return BrokerUnavailable("The broker lets us not in: by its URL, name, password or virtual host are wrong.")
    return BrokerUnavailable("The broker does not answer.")
