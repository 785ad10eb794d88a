"""Back-up and restore, in the order of docs/operations.md, while the service works."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.functional.running import Service
from tests.images import opened, photo_jpeg

JOBS = 12
LEAN = {"api_processes": 1, "worker_concurrency": 1, "resend_seconds": 1, "sweep_seconds": 0.5}


def back_up(data: Path, to: Path) -> None:
    """The record first, then the objects: each is there before the record speaks of it."""
    with closing(sqlite3.connect(data / "imagemill.db")) as record:
        record.execute("VACUUM INTO ?", (str(to / "imagemill.db"),))
    # Drafts vanish while they are copied, and nobody asks for them.
    shutil.copytree(data / "objects", to / "objects", ignore=shutil.ignore_patterns("drafts"))


def test_a_restored_backup_loses_no_job(tmp_path: Path) -> None:
    """Jobs that had ended are there with their images; those that had not are done. Messages are not kept."""
    kept = tmp_path / "kept"
    kept.mkdir()
    with Service(tmp_path / "first", **LEAN) as service:
        tokens = [service.client.accepted(photo_jpeg(80 + seed, 60), width=40) for seed in range(JOBS)]
        service.client.ended(tokens[0])
        back_up(service.data, kept)

    service = Service(tmp_path / "second", **LEAN)
    shutil.copytree(kept, service.data)
    with service:
        for token in tokens:
            assert opened(service.client.image(service.client.ended(token))).width == 40
