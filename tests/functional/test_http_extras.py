"""What the answer tells beside the picture, over real HTTP: breakpoints, markup, placeholders."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.functional.api_only import Api
from tests.images import opened, photo_jpeg

IMAGE = photo_jpeg(640, 480)
OPTIONS = {
    "widths": '{"from": 80, "to": 600, "stepBytes": 4000, "most": 6}',
    "placeholder": "thumbhash",
    "dominantColor": "true",
    "outputs": '[{"name": "w", "format": "webp"}, {"name": "j", "format": "jpeg"}]',
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API of one process; no broker, no worker."""
    with Api(tmp_path_factory.mktemp("extras")) as api:
        yield api


def test_from_widths_to_page(api: Api) -> None:
    """Each output has its facts, and its URL stands in the markup."""
    files = {"image": ("a.jpg", IMAGE)}
    token = api.client.http.post("/api/v1/resize", files=files, data=OPTIONS).json()["token"]
    api.work(token)
    job = api.client.job(token)
    assert job["status"] == "SUCCESS"
    for kind in ("webp", "jpeg"):
        made = [output for output in job["outputs"] if output["format"] == kind]
        assert (made[-1]["width"], made[-1]["height"]) == (600, 450)
        assert [output["width"] for output in made] == sorted(output["width"] for output in made)
        steps = [after["bytes"] - before["bytes"] for before, after in pairwise(made)]
        assert len(made) == 6 or max(steps) <= 4000
        assert job["markup"]["srcset"][f"image/{kind}"] == ", ".join(
            f"{output['url']} {output['width']}w" for output in made
        )
    assert all(len(output["placeholder"]) >= 24 for output in job["outputs"])
    assert all(output["dominant_color"].startswith("#") for output in job["outputs"])
    assert all(output["url"] in job["markup"]["picture"] for output in job["outputs"])
    assert opened(api.client.image(job, 0)).size == (job["outputs"][0]["width"], job["outputs"][0]["height"])

    assert api.client.http.delete(f"/api/v1/resize/{token}").status_code == 204
    assert not list(api.data.rglob("*-w-1.webp"))
