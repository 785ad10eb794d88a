"""The API over fakes, without a server."""

import pytest
from flask.testing import FlaskClient

from tests.flow.house import House
from tests.unit.web.service import client


@pytest.fixture
def house() -> House:
    """A service out of fakes."""
    return House()


@pytest.fixture
def api(house: House) -> FlaskClient:
    """A client of it."""
    return client(house)
