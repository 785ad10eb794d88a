"""The queue and the doorbell over RabbitMQ: the same promises as over Redis, and confirmed quorum queues."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from kombu import Connection

import imagemill.doorbell.rabbit as doorbell_module
from imagemill import amqp
from imagemill.broker import QUIET_SECONDS, RENDER_TASK, CeleryQueue, create_celery, worker_answers
from imagemill.config import Settings
from imagemill.domain.ports import Ear
from imagemill.doorbell.rabbit import RabbitDoorbell
from imagemill.errors import BrokerUnavailable
from tests.fakes.clock import Clock
from tests.rabbit import Rabbit
from tests.servers import eventually

TOKEN = UUID("5f0c7c2e-0000-5000-8000-000000000001")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def name(rabbit: Rabbit) -> str:
    """A queue of this test alone."""
    return rabbit.queue()


@pytest.fixture
def queue(rabbit: Rabbit, clock: Clock, name: str) -> Iterator[CeleryQueue]:
    app = create_celery(Settings(broker_url=rabbit.url, queue=name))
    yield CeleryQueue(app, clock, headers=lambda: {"request_id": "r1"})
    app.close()


def test_a_message_is_a_token_in_a_quorum_queue(queue: CeleryQueue, rabbit: Rabbit, name: str) -> None:
    """As over Redis; and the queue is of the kind that is replicated, since it can be asked for as no other."""
    queue.send(TOKEN)

    with Connection(rabbit.url) as link:
        channel = link.channel()
        channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        message = channel.basic_get(name, no_ack=True)
        assert (message.headers["id"], message.headers["task"]) == (str(TOKEN), RENDER_TASK)
        assert message.headers["argsrepr"] == repr((str(TOKEN),))
        assert message.headers["imagemill"] == {"request_id": "r1"}


def test_a_message_is_sent_when_it_is_confirmed(rabbit: Rabbit, name: str) -> None:
    """A queue that takes no more nacks the message, and that is told; the queue goes on when there is room again."""
    with Connection(rabbit.url) as link:
        full = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
        link.channel().queue_declare(name, durable=True, auto_delete=False, arguments=full)
        app = create_celery(Settings(broker_url=rabbit.url, queue=name))
        # What an operator has bounded is taken as it is.
        app.conf.task_queues = [app.amqp.Queues({}).new_missing(name)]
        app.amqp.queues[name].queue_arguments = full
        queue = CeleryQueue(app, Clock())
        # It lets in a few more than it was told, as it counts while they come.
        refused = next(sent for sent in range(1000) if not _is_sent(queue))
        assert rabbit.messages(name) == refused
        app.close()


def _is_sent(queue: CeleryQueue) -> bool:
    try:
        queue.send(uuid4())
    except BrokerUnavailable:
        return False
    return True


def test_a_queue_whose_broker_answers_is_healthy(queue: CeleryQueue) -> None:
    """The check passes while the broker is there."""
    queue.check()


def test_a_wrong_password_is_not_called_silence(rabbit: Rabbit, name: str) -> None:
    """Who set a wrong password reads that, not that the broker is away."""
    app = create_celery(Settings(broker_url=rabbit.url.replace("guest@", "wrong@"), queue=name))
    with pytest.raises(BrokerUnavailable, match="password"):
        CeleryQueue(app).check()
    with pytest.raises(BrokerUnavailable, match="password"):
        CeleryQueue(app).send(TOKEN)
    assert not worker_answers(app, 0.1)
    app.close()


def test_no_worker_answers_where_none_is(rabbit: Rabbit, name: str) -> None:
    """A broker without a worker is asked, and nobody answers."""
    app = create_celery(Settings(broker_url=rabbit.url, queue=name))
    assert not worker_answers(app, 0.2)
    app.close()


def test_a_frozen_broker_holds_a_request_for_under_three_seconds(
    queue: CeleryQueue, rabbit: Rabbit, clock: Clock, name: str
) -> None:
    """With an open line and with a new one; then nothing is sent for a while, and a late confirm counts for nothing."""
    queue.send(TOKEN)
    with rabbit.frozen():
        assert _seconds_of_refusal(queue) < 3
        assert _seconds_of_refusal(queue) < 0.1
        clock.now += QUIET_SECONDS
        assert _seconds_of_refusal(queue) < 3
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            queue.check()
        assert time.monotonic() - started < 3
    clock.now += QUIET_SECONDS
    queue.send(uuid4())
    # The one that was on its way when the broker froze may have come, too: at least once.
    eventually(lambda: 2 <= rabbit.messages(name) <= 3)


def _seconds_of_refusal(queue: CeleryQueue) -> float:
    started = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        queue.send(TOKEN)
    return time.monotonic() - started


@pytest.fixture
def doorbell(rabbit: Rabbit, name: str) -> Iterator[RabbitDoorbell]:
    bell = RabbitDoorbell(rabbit.url, f"{name}:ended")
    yield bell
    bell.close()


@pytest.fixture
def ringer(rabbit: Rabbit, name: str) -> Iterator[RabbitDoorbell]:
    """The same bell in another process."""
    bell = RabbitDoorbell(rabbit.url, f"{name}:ended")
    yield bell
    bell.close()


def test_the_bell_wakes_all_who_listen_for_its_token(doorbell: RabbitDoorbell, ringer: RabbitDoorbell) -> None:
    """A ring from another process wakes every listener of the token in each process, and nobody else; each time."""
    with doorbell.listen(TOKEN) as first, doorbell.listen(uuid4()) as other, ringer.listen(TOKEN) as second:
        eventually(lambda: doorbell._subscribed.is_set() and ringer._subscribed.is_set())
        for _ in range(2):
            ringer.ring(TOKEN)
            assert first.wait(5)
            assert second.wait(5)
        assert not other.wait(0.05)
        assert not first.wait(0.05)


def test_threads_may_ring_at_once(
    doorbell: RabbitDoorbell, ringer: RabbitDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one line for rings is used by one at a time: no ring breaks another."""
    tokens = [uuid4() for _ in range(40)]
    heard: list[str] = []
    monkeypatch.setattr(doorbell, "wake", heard.append)
    with doorbell.listen(TOKEN):
        eventually(doorbell._subscribed.is_set)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(ringer.ring, tokens))
        eventually(lambda: set(heard) == set(map(str, tokens)))


def test_a_dead_line_is_noticed(
    doorbell: RabbitDoorbell, ringer: RabbitDoorbell, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that nobody closed but that carries nothing any more is replaced; ringing meanwhile is quick."""
    monkeypatch.setattr(doorbell_module, "_HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(doorbell_module, "_LOOK_SECONDS", 0.1)
    with doorbell.listen(TOKEN) as ear:
        eventually(doorbell._subscribed.is_set)
        with rabbit.frozen():
            started = time.monotonic()
            for _ in range(100):
                ringer.ring(TOKEN)
            assert time.monotonic() - started < 3
            eventually(lambda: not doorbell._subscribed.is_set(), what="the bell's notice")
        eventually(doorbell._subscribed.is_set, 60)
        eventually(lambda: _is_heard(ringer, ear), 60)


def _is_heard(ringer: RabbitDoorbell, ear: Ear) -> bool:
    ringer.ring(TOKEN)
    return ear.wait(0.2)


def test_a_restart_of_the_broker_loses_nothing(
    doorbell: RabbitDoorbell, ringer: RabbitDoorbell, rabbit: Rabbit
) -> None:
    """Confirmed messages outlive SIGKILL; an open line that died with the old server costs no message and no ring."""
    name = rabbit.settled_queue("contract")
    app = create_celery(Settings(broker_url=rabbit.url, queue=name))
    queue = CeleryQueue(app)
    with doorbell.listen(TOKEN) as ear:
        eventually(doorbell._subscribed.is_set)
        ringer.ring(TOKEN)
        assert ear.wait(5)
        for _ in range(10):
            queue.send(uuid4())

        rabbit.kill()
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            queue.check()
        assert time.monotonic() - started < 3
        eventually(lambda: not doorbell._subscribed.is_set())
        rabbit.start()
        # Its queues are there a little later than the server itself.
        eventually(lambda: rabbit.messages(name) == 10, 60)

        queue.send(uuid4())
        eventually(lambda: rabbit.messages(name) == 11)
        eventually(doorbell._subscribed.is_set, 60)
        ringer.ring(TOKEN)
        assert ear.wait(5)
    app.close()


def test_over_tls_the_name_is_compared() -> None:
    """What a certificate has to prove is who it is for, too; without TLS there is none."""
    options = amqp.tls("amqps://broker.example//")
    assert options is not None
    assert options["cert_reqs"].name == "CERT_REQUIRED"
    assert "server_hostname" in options
    assert amqp.tls("amqp://broker.example//") is None
