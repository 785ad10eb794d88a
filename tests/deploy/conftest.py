"""Two API servers on one record, one store, and nginx in front of them, for all tests that leave them as they are."""

from collections.abc import Iterator

import pytest

from tests.deploy.proxy import Proxy
from tests.functional.api_only import Api

MAX_IMAGE_BYTES = 200_000
MAX_BODY_BYTES = 400_000


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Api]]:
    """The API servers; they leave it to nginx to send images."""
    folder = tmp_path_factory.mktemp("servers")
    for name in ("one", "two"):
        (folder / name).mkdir()
    settings = {"max_image_bytes": MAX_IMAGE_BYTES, "accel_path": "/_objects/", "api_threads": 4}
    with Api(folder / "one", **settings) as one, Api(folder / "two", **{**settings, "data": one.data}) as two:
        yield one, two


@pytest.fixture(scope="module")
def proxy(servers: tuple[Api, Api], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx, with a smaller body limit, a larger one of requests, and less patience."""
    one, two = servers
    changes = {
        "client_max_body_size 44804780;": f"client_max_body_size {MAX_BODY_BYTES};",
        "client_body_timeout 15s;": "client_body_timeout 1s;",
        "client_header_timeout 15s;": "client_header_timeout 1s;",
        "rate=20r/s": "rate=10000r/s",
        "rate=200r/s": "rate=10000r/s",
    }
    with Proxy(tmp_path_factory.mktemp("nginx"), (one.port, two.port), one.data / "objects", changes) as proxy:
        yield proxy
