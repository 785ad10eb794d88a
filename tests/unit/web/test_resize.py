"""The resource of jobs: what is answered in which state."""

import threading
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import ANONYMOUS
from imagemill.errors import CorruptImage
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.engine import PICTURE
from tests.flow.house import House
from tests.unit.web.service import API, client, finish, finishing


def post(api: FlaskClient, image: bytes = PICTURE, prefer: str = "", query: str = "width=10") -> tuple[int, dict, dict]:
    """Status, headers and body of a raw POST."""
    answer = api.post(
        API, data=image, content_type="image/jpeg", headers={"Prefer": prefer} if prefer else {}, query_string=query
    )
    return answer.status_code, dict(answer.headers), answer.get_json()


def test_a_new_job_is_accepted(api: FlaskClient, house: House) -> None:
    """202 with the token, where to ask, and when."""
    status, headers, answer = post(api)
    url = f"http://localhost{API}/{answer['token']}"
    assert status == 202
    assert answer == {
        "success": True,
        "token": str(house.queue.sent[0]),
        "status": "PENDING",
        "reused": False,
        "status_url": url,
    }
    assert headers["Location"] == url
    assert headers["Retry-After"] == "1"
    assert headers["Cache-Control"] == "no-store"
    assert UUID(answer["token"]).version == 5


def test_the_same_job_again_is_reused(api: FlaskClient, house: House) -> None:
    """The same image and options are the same job, and nothing is sent twice."""
    first, again = post(api)[2], post(api)[2]
    assert again == first | {"reused": True}
    assert len(house.queue.sent) == 1


def test_a_pending_job_is_shown(api: FlaskClient) -> None:
    """All fields are there before anything is done, and Retry-After too."""
    token = post(api)[2]["token"]
    shown = api.get(f"{API}/{token}")
    created = shown.json["created_at"]
    assert shown.headers["Retry-After"] == "1"
    assert shown.json == {
        "status": "PENDING",
        "resized_image_url": None,
        "token": token,
        "outputs": [],
        "markup": None,
        "source": {"format": "jpeg", "width": 40, "height": 30, "bytes": len(PICTURE), "frames": 1},
        "error": None,
        "attempts": 0,
        "created_at": created,
        "started_at": None,
        "finished_at": None,
        "expires_at": None,
    }
    assert created.endswith("Z")


def test_a_finished_job_is_shown(api: FlaskClient, house: House) -> None:
    """Its outputs have URLs under which their bytes are, and there is nothing left to wait for."""
    token = post(api, query='outputs=[{"name":"small"},{"name":"large"}]')[2]["token"]
    job = finish(house, token)
    shown = api.get(f"{API}/{token}")
    assert "Retry-After" not in shown.headers
    assert shown.json["status"] == "SUCCESS"
    assert shown.json["attempts"] == 1
    assert [output["name"] for output in shown.json["outputs"]] == ["small", "large"]
    assert (
        shown.json["resized_image_url"] == shown.json["outputs"][0]["url"] == f"http://localhost/{job.products[0].key}"
    )
    assert api.get(shown.json["resized_image_url"]).data == b"small of " + PICTURE
    assert datetime.fromisoformat(shown.json["expires_at"]) > datetime.fromisoformat(shown.json["finished_at"])


def test_a_failed_job_says_why(api: FlaskClient, house: House) -> None:
    """`error` holds what a problem document would say."""
    token = UUID(post(api)[2]["token"])
    house.attempt(token).give_up(CorruptImage("The pixels are damaged."))
    assert api.get(f"{API}/{token}").json["error"] == {
        "type": "/problems/corrupt-image",
        "title": "The image is damaged",
        "status": 422,
        "detail": "The pixels are damaged.",
        "instance": f"{API}/{token}",
        "code": "corrupt-image",
        "retryable": False,
    }


def test_urls_begin_with_the_public_url(house: House) -> None:
    """Behind a proxy the setting says how the world reaches the service."""
    api = client(house, public_url="https://img.example/api")
    assert post(api)[2]["status_url"].startswith(f"https://img.example/api{API}/")


@pytest.mark.parametrize("host", ["", "a b", 'x"<'])
def test_without_a_valid_host_there_are_no_urls(api: FlaskClient, house: House, host: str) -> None:
    """An invalid Host is refused before anything is accepted (RFC 9112, section 3.2)."""
    answer = api.post(API, data=PICTURE, content_type="image/jpeg", environ_overrides={"HTTP_HOST": host})
    assert (answer.status_code, answer.json["code"]) == (400, "malformed-request")
    assert not house.kept


def test_a_wait_is_answered_with_the_finished_job(house: House) -> None:
    """With `Prefer: wait` a POST is answered like a GET once the job has ended."""
    house.doorbell = MemoryDoorbell(finishing(house))
    status, headers, answer = post(client(house), prefer="wait=5")
    assert (status, answer["status"]) == (200, "SUCCESS")
    assert headers["Preference-Applied"] == "wait=5"
    assert headers["Location"].endswith(answer["token"])
    assert "Retry-After" not in headers


def test_a_wait_that_is_over_is_answered_as_usual(house: House) -> None:
    """A job that did not end in time is a 202 that says that the wait was granted, as long as the service allows."""
    house.doorbell = MemoryDoorbell(lambda seconds: advance(house, seconds))
    api = client(house, wait_seconds=7)
    began = house.jobs.now
    status, headers, answer = post(api, prefer="wait=100")
    assert (status, answer["status"]) == (202, "PENDING")
    assert headers["Preference-Applied"] == "wait=7"
    assert house.jobs.now - began == pytest.approx(7)


def advance(house: House, seconds: float) -> None:
    """Let time pass."""
    house.jobs.now += seconds


def test_a_get_waits_too(house: House) -> None:
    """The same preference on GET."""
    house.doorbell = MemoryDoorbell(finishing(house))
    api = client(house)
    token = post(api)[2]["token"]
    shown = api.get(f"{API}/{token}", headers={"Prefer": "respond-async, wait=5"})
    assert shown.json["status"] == "SUCCESS"
    assert shown.headers["Preference-Applied"] == "wait=5"


def test_an_ended_job_needs_no_slot(house: House) -> None:
    """Where there is nothing to wait for, the preference is met though no slot is free."""
    api = client(house, wait_slots=0)
    finish(house, post(api)[2]["token"])
    status, headers, answer = post(api, prefer="wait=5")
    assert (status, answer["status"], headers["Preference-Applied"]) == (200, "SUCCESS", "wait=5")


def test_past_the_bound_a_wait_is_not_granted(house: House) -> None:
    """With all slots taken the answer comes at once, without Preference-Applied, as RFC 7240 allows."""
    waiting, release = threading.Event(), threading.Event()

    def hold(_: float) -> None:
        waiting.set()
        assert release.wait(10)
        house.jobs.now += 60

    house.doorbell = MemoryDoorbell(hold)
    app = client(house, wait_slots=1).application
    first = threading.Thread(target=post, args=(app.test_client(), PICTURE, "wait=5"))
    first.start()
    try:
        assert waiting.wait(10)
        status, headers, _ = post(app.test_client(), prefer="wait=5")
    finally:
        release.set()
        first.join(10)
    assert status == 202
    assert "Preference-Applied" not in headers


def test_an_erased_job_is_gone(api: FlaskClient, house: House) -> None:
    """DELETE takes the job, its outputs and its image away, for good."""
    token = post(api)[2]["token"]
    finish(house, token)
    url = api.get(f"{API}/{token}").json["resized_image_url"]
    erased = api.delete(f"{API}/{token}")
    assert (erased.status_code, erased.data) == (204, b"")
    assert "Content-Type" not in erased.headers
    assert api.get(f"{API}/{token}").status_code == 404
    assert api.delete(f"{API}/{token}").status_code == 404
    assert api.get(url).status_code == 404
    assert not house.kept


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("token", [str(uuid4()), "nonsense", f"{{{uuid4()}}}", uuid4().hex, f"urn:uuid:{uuid4()}"])
def test_an_unknown_token_is_a_404(api: FlaskClient, method: str, token: str) -> None:
    """Never made, erased, another's or no token at all: the same answer."""
    answer = getattr(api, method)(f"{API}/{token}")
    assert (answer.status_code, answer.json["code"]) == (404, "unknown-token")


def test_anothers_token_is_a_404(api: FlaskClient, house: House) -> None:
    """A job of another owner might as well not be there."""
    job = house.accept(owner="somebody else")
    assert api.get(f"{API}/{job.token}").status_code == 404


def test_a_token_is_read_in_either_case(api: FlaskClient) -> None:
    """Hexadecimal digits have no case."""
    assert api.get(f"{API}/{post(api)[2]['token'].upper()}").status_code == 200


def test_jobs_are_listed_page_by_page(api: FlaskClient) -> None:
    """Newest first, with a link to the next page until there is none."""
    tokens = [post(api, query=f"width={width}")[2]["token"] for width in range(1, 6)]
    listed, url = [], f"{API}?limit=2"
    while url:
        page = api.get(url)
        assert len(page.json["jobs"]) <= 2
        listed += [job["token"] for job in page.json["jobs"]]
        link = page.headers.get("Link", "")
        assert bool(link) == (page.json["next_cursor"] is not None)
        url = link.partition(">")[0].removeprefix("<")
    assert listed == tokens[::-1]


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("limit=0", 422, "/limit"),
        ("limit=101", 422, "/limit"),
        ("limit=x", 422, "/limit"),
        ("limit=1&limit=2", 422, "/limit"),
        ("width=3", 422, "/width"),
        ("cursor=x", 400, None),
        ("cursor=", 400, None),
    ],
)
def test_a_page_that_cannot_be(api: FlaskClient, query: str, status: int, pointer: str | None) -> None:
    """Wrong and unknown parameters are named."""
    answer = api.get(f"{API}?{query}")
    assert answer.status_code == status
    assert [error["pointer"] for error in answer.json.get("errors", [])] == ([pointer] if pointer else [])


def test_the_record_away(api: FlaskClient, house: House) -> None:
    """Without the database nothing is accepted and nothing is known: 503 and when to ask again."""
    token = post(api)[2]["token"]
    house.jobs.away = True
    assert post(api)[0] == api.get(f"{API}/{token}").status_code == api.delete(f"{API}/{token}").status_code == 503
    assert api.get(API).headers["Retry-After"] == "5"


def test_the_broker_away(api: FlaskClient, house: House) -> None:
    """Without the broker jobs are accepted as ever: the sweep will send them."""
    house.queue.away = True
    assert post(api)[0] == 202
    assert house.jobs.page(ANONYMOUS, None, 1).jobs


def test_outputs_of_one_picture_come_with_markup(api: FlaskClient, house: House) -> None:
    """Ready for a page, with the URLs of the answer; null where the outputs show different pictures."""
    house.engine.header = Header(ImageFormat.GIF, Size(40, 30), frames=3, alpha=False)
    same, other, poster = (
        post(api, query=f'outputs=[{{"format":"jpeg"}},{second}]')[2]["token"]
        for second in ('{"format":"avif"}', '{"format":"avif","fit":"contain"}', '{"format":"avif","animated":true}')
    )
    for token in (same, other, poster):
        finish(house, token)
    shown = api.get(f"{API}/{same}").json
    jpeg, avif = (output["url"] for output in shown["outputs"])
    assert shown["markup"]["srcset"] == {"image/avif": avif, "image/jpeg": jpeg}
    assert f'<source type="image/avif" srcset="{avif}">' in shown["markup"]["picture"]
    assert [api.get(f"{API}/{token}").json["markup"] for token in (other, poster)] == [None, None]
