"""The two pages that a load balancer asks for."""

import pytest

from tests.flow.house import House
from tests.unit.web.service import client


def test_alive() -> None:
    """The process answers, whatever else is away."""
    house = House()
    house.jobs.away = house.store.away = house.queue.away = True
    answer = client(house).get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"state": "alive"})


@pytest.mark.parametrize(
    ("away", "status", "state"),
    [
        ([], 200, "ready"),
        (["broker"], 200, "degraded"),
        (["database"], 503, "unavailable"),
        (["store"], 503, "unavailable"),
        (["database", "store", "broker"], 503, "unavailable"),
    ],
)
def test_ready_while_jobs_can_be_accepted(away: list[str], status: int, state: str) -> None:
    """Each part has its state; only without database or store is the service not ready."""
    house = House()
    house.jobs.away, house.store.away, house.queue.away = (part in away for part in ("database", "store", "broker"))
    answer = client(house).get("/readyz")
    assert (answer.status_code, answer.json["state"]) == (status, state)
    for part, found in answer.json["parts"].items():
        assert found["state"] == ("away" if part in away else "ok")
        assert bool(found["detail"]) == (part in away)
