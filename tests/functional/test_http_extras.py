"""What the answer tells beside the picture, over real HTTP: breakpoints, markup, placeholders, and the dry run."""

import json
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


def test_from_plan_to_page(api: Api) -> None:
    """What was planned is made; each output has its facts, and its URL stands in the markup."""
    files = {"image": ("a.jpg", IMAGE)}
    plan = api.client.http.post("/api/v1/plan", files=files, data=OPTIONS)
    assert plan.status_code == 200
    planned = {output["formats"][0]: output for output in plan.json()["outputs"]}
    assert planned["webp"]["names"] == [f"w-{number}" for number in range(1, 7)]
    assert planned["webp"]["steps"] == ["scale"]

    token = api.client.http.post("/api/v1/resize", files=files, data=OPTIONS).json()["token"]
    api.work(token)
    job = api.client.job(token)
    assert job["status"] == "SUCCESS"
    for kind in ("webp", "jpeg"):
        made = [output for output in job["outputs"] if output["format"] == kind]
        assert {output["name"] for output in made} <= set(planned[kind]["names"])
        assert (
            (made[-1]["width"], made[-1]["height"]) == (planned[kind]["width"], planned[kind]["height"]) == (600, 450)
        )
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


def test_a_plan_leaves_nothing(api: Api) -> None:
    """Neither job nor object, whatever it says."""
    before = api.client.http.get("/api/v1/resize").json()
    answer = api.client.http.post("/api/v1/plan?width=9000", content=IMAGE, headers={"Content-Type": "image/jpeg"})
    assert [warning["pointer"] for warning in answer.json()["outputs"][0]["warnings"]] == ["/width"]
    refused = api.client.http.post("/api/v1/plan?with=9", content=IMAGE, headers={"Content-Type": "image/jpeg"})
    assert (refused.status_code, json.loads(refused.content)["code"]) == (422, "invalid-options")
    assert api.client.http.get("/api/v1/resize").json() == before
