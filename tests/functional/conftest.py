"""One running service for all functional tests that leave it as they found it."""

from collections.abc import Iterator

import pytest

from tests.functional.running import Service


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that lives as long as the tests."""
    with Service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(shared_service: Service) -> Iterator[Service]:
    """The running service; when the test fails, pytest shows what the service said meanwhile."""
    before = len(shared_service.log())
    yield shared_service
    print(shared_service.log()[before:])
