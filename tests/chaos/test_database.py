"""The database killed in the middle of everything: who asks is told to come again, and what was accepted ends."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.chaos.ledger import QUICK, Ledger
from tests.databases import Postgres
from tests.functional.running import Client, Service
from tests.images import photo_jpeg
from tests.servers import eventually

JOBS = 200
CLIENTS = 8


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    server = Postgres().start()
    yield server
    server.close()


class Clients:
    """Clients that send an image again for as long as they are told to.

    Args:
        service: whom they ask.
    """

    def __init__(self, service: Service) -> None:
        self.answers: Counter[int] = Counter()
        self._service = service
        self._stop = threading.Event()
        self._own = threading.local()

    def post(self, seed: int) -> str:
        """The token of an image, once it is accepted."""
        image = photo_jpeg(32, 24, seed)
        while True:
            answer = self._client().post(image, width=16)
            self.answers[answer.status_code] += 1
            if answer.status_code == 202:
                return str(answer.json()["token"])
            _check_unavailable(answer)
            assert not self._stop.wait(0.1), "given up"

    def stop(self) -> None:
        """Let nobody go on."""
        self._stop.set()

    def _client(self) -> Client:
        if not hasattr(self._own, "client"):
            self._own.client = Client(self._service.url)
        client: Client = self._own.client
        return client


def _check_unavailable(answer: httpx2.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert (answer.json()["code"], answer.json()["retryable"]) == ("unavailable", True)


def test_a_database_killed_in_a_run_loses_no_job(tmp_path: Path, postgres: Postgres) -> None:
    """PostgreSQL is killed twice among 200 jobs: 503 meanwhile, and then API, worker and sweep go on by themselves."""
    with Service(tmp_path, **QUICK, database_url=postgres.create()) as service:
        roles = {role: service.pids(role)[:1] for role in ("api", "worker", "beat")}
        ledger, clients = Ledger(service), Clients(service)
        with ThreadPoolExecutor(CLIENTS) as threads:
            try:
                posts = [threads.submit(clients.post, seed) for seed in range(JOBS)]
                for killed_after in (JOBS // 4, JOBS // 2):
                    eventually(lambda after=killed_after: clients.answers[202] >= after, 60, "some jobs")  # type: ignore[misc]
                    before = clients.answers[503]
                    postgres.kill()
                    eventually(lambda before=before: clients.answers[503] > before, 60, "a refusal")  # type: ignore[misc]
                    _check_unavailable(service.client.http.get(f"/api/v1/resize/{posts[0].result()}"))
                    ready = service.client.http.get("/readyz")
                    assert (ready.status_code, ready.json()["parts"]["database"]["state"]) == (503, "away")
                    assert service.client.http.get("/healthz").status_code == 200
                    postgres.start()
                ledger.tokens = [post.result(60) for post in posts]
            finally:
                clients.stop()

        jobs = ledger.await_end()

        assert len(set(ledger.tokens)) == JOBS
        assert Counter(job["status"] for job in jobs) == {"SUCCESS": JOBS}
        assert {role: service.pids(role)[:1] for role in roles} == roles, "nobody had to be started again"
        ledger.assert_one_result_each()
