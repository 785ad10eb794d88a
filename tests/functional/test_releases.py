"""This release's processes on what the first release left: its rows, its messages, its bytes."""

import json
from base64 import b64decode
from pathlib import Path
from uuid import UUID

from sqlalchemy import create_engine

from imagemill.broker import RENDER_TASK, CeleryQueue, create_celery
from imagemill.config import Settings
from imagemill.storage.files import FileStore
from tests.functional.running import Service
from tests.images import opened, photo_jpeg
from tests.releases.first import MESSAGE, TOKEN, FirstRelease, message
from tests.servers import Valkey, eventually

OLD_JOB = UUID("a0eebc99-9c0b-5ef8-bb6d-6bb9bd380a11")
KEY = f"originals/4e/{'4e' * 32}-{'ab' * 8}"
NEVER_RESENT = {"resend_seconds": 600, "sweep_seconds": 60}


def test_an_old_message_leads_to_an_image(tmp_path: Path) -> None:
    """A job that the first release accepted and sent is done by this release's worker, and its API shows it."""
    image = photo_jpeg(64, 48)
    broker = Valkey().start()
    try:
        settings = {"broker_url": broker.url, "api_processes": 1, "worker_concurrency": 1, **NEVER_RESENT}
        with Service(tmp_path, **settings) as service:
            FileStore(service.data / "objects").put(KEY, image)
            engine = create_engine(f"sqlite:///{service.data / 'imagemill.db'}")
            recipe = '[{"height":24,"width":32}]'
            FirstRelease(engine).accept(OLD_JOB, recipe, owner="anonymous", key=KEY, bytes=len(image))
            engine.dispose()
            broker.client.lpush("imagemill", message(OLD_JOB))
            job = service.client.ended(str(OLD_JOB))
            assert opened(service.client.image(job)).size == (32, 24)
            assert job["attempts"] == 1
    finally:
        broker.close()


def test_a_message_has_all_that_the_old_worker_reads() -> None:
    """Task, id and argument as they were, in every header that there was; at one more nobody looked."""
    broker = Valkey().start()
    try:
        app = create_celery(Settings(broker_url=broker.url))
        CeleryQueue(app, headers=lambda: {"request_id": "r1"}).send(TOKEN)
        eventually(lambda: broker.client.llen("imagemill") == 1)
        sent, old = json.loads(broker.client.lindex("imagemill", 0)), json.loads(MESSAGE)
        app.close()
    finally:
        broker.close()
    assert b64decode(sent["body"]) == b64decode(old["body"])
    assert set(sent["headers"]) == set(old["headers"]) | {"imagemill"}
    assert sent["headers"]["task"] == old["headers"]["task"] == RENDER_TASK
    same = ("id", "retries", "eta", "expires", "timelimit", "ignore_result", "root_id")
    assert [sent["headers"][name] for name in same] == [old["headers"][name] for name in same]
    assert [sent[name] for name in ("content-type", "content-encoding")] == ["application/json", "utf-8"]
