"""Golden files: how they are found, and how they are made anew with `pytest tests/golden --update-golden`."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option is known when this folder is named on the command line."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written."""
    return bool(request.config.getoption("--update-golden", default=False))


@pytest.fixture
def golden_folder() -> Path:
    """Where the golden files lie."""
    return Path(__file__).parent / "files"
