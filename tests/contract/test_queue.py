"""The queue and the doorbell over a real broker: at least once, and never for longer than a request can bear."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

import imagemill.doorbell.redis as doorbell_module
from imagemill.broker import QUIET_SECONDS, RENDER_TASK, CeleryQueue, create_celery
from imagemill.config import Settings
from imagemill.doorbell import listening
from imagemill.doorbell.redis import RedisDoorbell
from imagemill.errors import BrokerUnavailable
from tests.fakes.clock import Clock
from tests.relay import TlsRelay
from tests.servers import Valkey, eventually

TOKEN = UUID("5f0c7c2e-0000-5000-8000-000000000001")


@pytest.fixture
def broker() -> Iterator[Valkey]:
    server = Valkey().start()
    yield server
    server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(broker: Valkey, clock: Clock) -> Iterator[CeleryQueue]:
    app = create_celery(Settings(broker_url=broker.url, queue="q"))
    yield CeleryQueue(app, clock)
    app.close()


def test_a_message_is_a_token_and_nothing_else(queue: CeleryQueue, broker: Valkey) -> None:
    """The task's id is the token, its only argument is the token, and its name is fixed between releases."""
    queue.send(TOKEN)

    (message,) = map(json.loads, broker.client.lrange("q", 0, -1))
    assert message["headers"]["id"] == str(TOKEN)
    assert message["headers"]["task"] == RENDER_TASK == "imagemill.render"
    assert message["headers"]["argsrepr"] == repr((str(TOKEN),))


def test_a_message_names_the_request_behind_it(broker: Valkey) -> None:
    """Beside the token, in a header that an older worker does not look at: what only helps to see."""
    app = create_celery(Settings(broker_url=broker.url, queue="q"))
    CeleryQueue(app, headers=lambda: {"request_id": "r1"}).send(TOKEN)
    (message,) = map(json.loads, broker.client.lrange("q", 0, -1))
    assert message["headers"]["imagemill"] == {"request_id": "r1"}
    assert message["headers"]["argsrepr"] == repr((str(TOKEN),))
    app.close()


def _taken(queue: CeleryQueue, broker: Valkey) -> Any:
    # A message as a worker takes it, with the channel that has brought it.
    queue.send(TOKEN)
    app = create_celery(Settings(broker_url=broker.url, queue="q"))
    message = app.amqp.queues["q"].bind(app.connection_for_read().channel()).get()
    assert message.headers["id"] == str(TOKEN)
    return message


def test_what_a_worker_has_not_worked_it_gives_back(queue: CeleryQueue, broker: Valkey) -> None:
    """Meanwhile the broker knows nothing of the message; when the worker stops it lies in the queue again, once."""
    message = _taken(queue, broker)
    assert {*broker.client.keys()} <= {b"_kombu.binding.q", b"_kombu.binding_permanent.q"}
    message.channel.close()
    assert broker.client.llen("q") == 1


def test_what_a_worker_has_worked_is_gone(queue: CeleryQueue, broker: Valkey) -> None:
    """It is not given back."""
    message = _taken(queue, broker)
    message.ack()
    message.channel.close()
    assert broker.client.llen("q") == 0


def test_what_cannot_be_given_back_is_let_go(
    queue: CeleryQueue, broker: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose broker has gone writes its messages nowhere: the sweep sends them again."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    message = _taken(queue, broker)
    broker.kill()
    message.channel.close()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(("host", "trusted"), [("localhost", True), ("localhost", False), ("127.0.0.1", True)])
def test_over_tls_a_broker_has_to_prove_who_it_is(
    broker: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool
) -> None:
    """By a certificate for its name, from an authority that is trusted: else it would be told the password."""
    proven = trusted and host == "localhost"
    with TlsRelay(broker.socket) as relay:
        if trusted:
            relay.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        app = create_celery(Settings(broker_url=f"rediss://{host}:{relay.port}/0", queue="q"))
        with nullcontext() if proven else pytest.raises(BrokerUnavailable):
            CeleryQueue(app).send(TOKEN)
        app.close()
    assert broker.client.llen("q") == proven


def test_a_queue_whose_broker_answers_is_healthy(queue: CeleryQueue) -> None:
    """The check passes while the broker is there."""
    queue.check()


def test_a_broker_that_is_not_there_is_said_at_once(queue: CeleryQueue, broker: Valkey) -> None:
    """No broker: both the check and the sending say so, quickly."""
    broker.kill()
    started = time.monotonic()
    with pytest.raises(BrokerUnavailable):
        queue.send(TOKEN)
    with pytest.raises(BrokerUnavailable):
        queue.check()
    assert time.monotonic() - started < 3


def test_a_frozen_broker_holds_a_request_for_under_three_seconds(queue: CeleryQueue, broker: Valkey) -> None:
    """A broker that keeps its connections but answers nothing costs one timeout, then nothing for a while."""
    queue.send(TOKEN)
    broker.freeze()
    try:
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            queue.send(TOKEN)
        assert time.monotonic() - started < 3
        started = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            queue.send(TOKEN)
        assert time.monotonic() - started < 0.1
    finally:
        broker.thaw()


def test_sending_goes_on_when_the_quiet_time_is_over(queue: CeleryQueue, broker: Valkey, clock: Clock) -> None:
    """After trouble the broker is left alone for QUIET_SECONDS and then tried again."""
    broker.kill()
    with pytest.raises(BrokerUnavailable):
        queue.send(TOKEN)
    broker.start()
    with pytest.raises(BrokerUnavailable):
        queue.send(TOKEN)
    clock.now += QUIET_SECONDS
    queue.send(TOKEN)
    assert broker.client.llen("q") == 1


def test_a_restart_of_the_broker_is_not_noticed(queue: CeleryQueue, broker: Valkey) -> None:
    """A pooled connection that died with the old server costs no message, and the old messages are still there."""
    queue.send(TOKEN)
    broker.kill()
    broker.start()
    queue.send(uuid4())
    assert broker.client.llen("q") == 2


@pytest.fixture
def doorbell(broker: Valkey) -> Iterator[RedisDoorbell]:
    bell = RedisDoorbell(broker.url, "bell")
    yield bell
    bell.close()


def test_the_bell_wakes_all_who_listen_for_its_token(doorbell: RedisDoorbell, broker: Valkey) -> None:
    """A ring from another process wakes every listener of the token, and nobody else."""
    with doorbell.listen(TOKEN) as first, doorbell.listen(TOKEN) as second, doorbell.listen(uuid4()) as other:
        eventually(lambda: broker.client.pubsub_numsub("bell")[0][1] == 1)
        RedisDoorbell(broker.url, "bell").ring(TOKEN)
        assert first.wait(5)
        assert second.wait(5)
        assert not other.wait(0.05)


def test_an_ear_hears_each_ring_once(doorbell: RedisDoorbell) -> None:
    """After a ring the ear waits for the next one."""
    with doorbell.listen(TOKEN) as ear:
        doorbell.ring(TOKEN)
        assert ear.wait(5)
        assert not ear.wait(0.05)
        doorbell.ring(TOKEN)
        assert ear.wait(5)


def test_an_ear_knows_whether_it_came_late(doorbell: RedisDoorbell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring shortly before is known of, and one is held to be possible where nobody listened before."""
    monkeypatch.setattr(listening, "_SETTLED_SECONDS", 0)
    with doorbell.listen(TOKEN) as ear:
        assert ear.missed
        doorbell.ring(TOKEN)
        assert ear.wait(5)
    with doorbell.listen(TOKEN) as late, doorbell.listen(uuid4()) as other:
        assert late.missed
        assert not other.missed


def test_after_a_gap_a_ring_may_have_been_missed(doorbell: RedisDoorbell, broker: Valkey) -> None:
    """What rang while the line was down nobody has heard, and it is still held to be possible once the line is back."""
    with doorbell.listen(TOKEN):
        eventually(doorbell._subscribed.is_set)
        doorbell._settled_at = 0
        broker.kill()
        eventually(lambda: not doorbell._subscribed.is_set())
        with doorbell.listen(uuid4()) as ear:
            assert ear.missed
        broker.start()
        eventually(doorbell._subscribed.is_set)
        with doorbell.listen(uuid4()) as ear:
            assert ear.missed


def test_old_rings_are_forgotten(doorbell: RedisDoorbell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the jobs that have ended."""
    monkeypatch.setattr(listening, "_SETTLED_SECONDS", 0)
    with doorbell.listen(TOKEN):
        eventually(doorbell._subscribed.is_set)
        doorbell.wake(str(TOKEN))
        for number in range(5000):
            doorbell.wake(f"another {number}")
        with doorbell.listen(TOKEN) as ear:
            assert not ear.missed


def test_a_bell_without_a_broker_is_silent_and_quick(
    doorbell: RedisDoorbell, broker: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither ringing nor listening fails or holds anyone up for long; the log tells once."""
    broker.kill()
    started = time.monotonic()
    for _ in range(100):
        doorbell.ring(TOKEN)
    with doorbell.listen(TOKEN) as ear:
        assert ear.missed
        assert not ear.wait(0.01)
        assert time.monotonic() - started < 2
        assert not ear.wait(1.5)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_bell_without_a_thread_is_silent_until_there_is_one(
    doorbell: RedisDoorbell, broker: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """Where no thread can be started, who waits looks at the record, and the next who waits tries again."""
    with pytest.MonkeyPatch.context() as full:
        full.setattr(threading.Thread, "start", _no_room)
        with doorbell.listen(TOKEN) as ear:
            assert ear.missed
    assert "no thread" in caplog.text
    assert not doorbell._ears
    with doorbell.listen(TOKEN) as ear:
        eventually(doorbell._subscribed.is_set)
        doorbell.ring(TOKEN)
        assert ear.wait(5)


def _no_room(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_bell_is_heard_again_after_the_broker_was_restarted(doorbell: RedisDoorbell, broker: Valkey) -> None:
    """Listeners connect anew by themselves."""
    with doorbell.listen(TOKEN) as ear:
        doorbell.ring(TOKEN)
        assert ear.wait(5)
        broker.kill()
        broker.start()
        eventually(lambda: broker.client.pubsub_numsub("bell")[0][1] == 1)
        RedisDoorbell(broker.url, "bell").ring(TOKEN)
        assert ear.wait(5)


def test_a_dead_line_is_noticed(doorbell: RedisDoorbell, broker: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody closed but that carries nothing any more is replaced."""
    monkeypatch.setattr(doorbell_module, "_SILENCE_SECONDS", 0.1)
    with doorbell.listen(TOKEN) as ear:
        (before,) = _listeners(broker)
        broker.freeze()
        eventually(lambda: not doorbell._subscribed.is_set(), what="the bell's notice")
        broker.thaw()
        eventually(lambda: _listeners(broker) not in ([], [before]), what="a new connection")
        eventually(doorbell._subscribed.is_set)
        RedisDoorbell(broker.url, "bell").ring(TOKEN)
        assert ear.wait(5)


def _listeners(broker: Valkey) -> list[str]:
    return [client["id"] for client in broker.client.client_list(_type="pubsub")]
