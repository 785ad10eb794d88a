"""Servers that tests of more than one folder use, and that take long to start."""

from collections.abc import Iterator

import pytest

from tests.rabbit import Rabbit


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """A RabbitMQ server; who kills it starts it again."""
    server = Rabbit()
    try:
        yield server.start()
    finally:
        server.close()
