"""`/metrics` on the API's own port."""

from dataclasses import replace
from pathlib import Path

from imagemill.observability.exposition import CONTENT_TYPE, Exposition
from imagemill.web.app import create_app
from tests.flow.house import House
from tests.unit.web.service import client, services


def test_it_is_there_where_it_is_given(tmp_path: Path) -> None:
    """In development: what the processes counted, and what waits."""
    house = House()
    house.accept()
    web = create_app(replace(services(house), exposition=Exposition(tmp_path, house.jobs.backlog))).test_client()
    answer = web.get("/metrics")
    assert (answer.status_code, answer.content_type) == (200, CONTENT_TYPE)
    assert 'imagemill_jobs{status="PENDING"} 1.0' in answer.text


def test_elsewhere_there_is_no_such_page() -> None:
    """What faces the world does not tell how busy the service is."""
    assert client(House()).get("/metrics").status_code == 404
