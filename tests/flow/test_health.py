"""Health: each part's state, whatever the others'."""

from imagemill.flow.health import Health
from tests.flow.house import House


def test_each_part_is_told_apart() -> None:
    """A part that is away has a sentence, the others have none."""
    house = House()
    health = Health(house.jobs, house.store, house.queue)
    assert health.check() == {"database": None, "store": None, "broker": None}

    house.queue.away = True
    house.store.away = True
    troubles = health.check()

    assert troubles["database"] is None
    assert troubles["store"]
    assert troubles["broker"]
