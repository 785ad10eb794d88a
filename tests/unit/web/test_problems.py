"""The table of errors: whole, and true to what a client sees."""

import inspect

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.exceptions import ImATeapot

from imagemill import errors
from imagemill.errors import ImagemillError, InvalidOptions, OptionProblem, Unavailable
from imagemill.web import access, problems

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ImagemillError)]
CONCRETE = [kind for kind in TREE if kind not in {other.__base__ for other in TREE}]


def raising(error: Exception) -> FlaskClient:
    """A client of an app with one page, which fails."""
    app = Flask("failing")
    access.register(app)
    problems.register(app)

    def fail(rest: str) -> str:
        raise error

    app.add_url_rule("/fail/<path:rest>", view_func=fail)
    return app.test_client()


def made(kind: type[ImagemillError]) -> ImagemillError:
    """An error of a class."""
    return kind(OptionProblem("/width", "is wrong")) if kind is InvalidOptions else kind("What to do.")


def test_every_concrete_error_has_a_status() -> None:
    """A class of errors.py that nobody gave a status is a hole in the contract."""
    assert set(problems.STATUS) == set(CONCRETE)


def test_classes_that_share_a_code_share_a_status() -> None:
    """A code means one thing, so it comes with one status."""
    statuses: dict[str, set[int]] = {}
    for kind, status in problems.STATUS.items():
        statuses.setdefault(kind.code, set()).add(status)
    assert all(len(found) == 1 for found in statuses.values())


@pytest.mark.parametrize("kind", CONCRETE, ids=lambda kind: kind.__name__)
def test_each_error_becomes_a_problem_document(kind: type[ImagemillError]) -> None:
    """An answer of an error has its status, its code, its detail, and all members of RFC 9457."""
    answer = raising(made(kind)).get("/fail/x")
    document = answer.get_json()
    status = problems.STATUS[kind]
    assert answer.status_code == document["status"] == status
    assert answer.content_type == "application/problem+json"
    assert document["code"] == ("internal-error" if status == 500 else kind.code)
    assert document["type"] == f"/problems/{document['code']}"
    assert document["instance"] == "/fail/x"
    assert document.keys() - {"errors"} == {"type", "title", "status", "detail", "instance", "code", "retryable"}


@pytest.mark.parametrize("kind", [kind for kind in CONCRETE if issubclass(kind, Unavailable)])
def test_what_is_away_says_when_to_ask_again(kind: type[Unavailable]) -> None:
    """A 503 carries Retry-After."""
    assert raising(made(kind)).get("/fail/x").headers["Retry-After"] == str(kind.retry_after_seconds)


def test_wrong_options_are_listed() -> None:
    """Each wrong option is an entry with a pointer."""
    error = InvalidOptions(OptionProblem("/width", "is wrong"), OptionProblem("/fit", "is odd"))
    assert raising(error).get("/fail/x").get_json()["errors"] == [
        {"pointer": "/width", "detail": "is wrong"},
        {"pointer": "/fit", "detail": "is odd"},
    ]


def test_a_fault_tells_the_log_everything_and_the_client_nothing() -> None:
    """An unexpected exception is a 500 whose text stays in the log, with its traceback."""
    error = KeyError("/secret/place")
    with capture_logs() as lines:
        answer = raising(error).get("/fail/x")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert [line["exc_info"] for line in lines if line["event"] == "fault"] == [error]


def test_a_status_without_a_type_of_its_own_is_still_a_problem() -> None:
    """What a library raises keeps its status and gets the nearest code."""
    answer = raising(ImATeapot()).get("/fail/x")
    assert (answer.status_code, answer.get_json()["code"]) == (418, "malformed-request")


def test_the_instance_is_no_echo() -> None:
    """A path as long as a book is cut, and what is no URI is escaped."""
    instance = raising(ImATeapot()).get("/fail/" + "ä" * 3000).get_json()["instance"]
    assert instance == "/fail/" + "%C3%A4" * 94


@pytest.mark.parametrize("code", problems.TYPES)
def test_every_type_has_a_page(code: str) -> None:
    """The `type` of every problem can be opened and explains its code."""
    page = raising(ImATeapot()).get(problems.type_uri(code))
    assert page.status_code == 200
    assert code in page.text
    assert problems.TYPES[code].meaning in page.text


def test_an_unknown_type_has_none() -> None:
    """A page about a code that there is not, is not there."""
    assert raising(ImATeapot()).get("/problems/nonsense").status_code == 404


@pytest.mark.parametrize(
    ("code", "status"), [("corrupt-image", 422), ("worker-lost", 500), ("of-another-release", 500)]
)
def test_a_code_that_a_job_carries_has_a_status(code: str, status: int) -> None:
    """A record may be older than the code that reads it."""
    assert problems.status_of(code) == status
