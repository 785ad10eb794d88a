"""What the files for nginx say agrees with what the API says and does. Needs no nginx."""

import json
import re

import pytest

from imagemill.config import Settings
from imagemill.web.imagedata import body_limit_bytes
from imagemill.web.problems import TYPES, type_uri
from imagemill.web.schemas import Problem
from tests.deploy.proxy import NGINX

MAIN = (NGINX / "imagemill.conf").read_text()
PARTS = {path.stem: path.read_text() for path in (NGINX / "imagemill").iterdir()}
TABLE = re.findall(r"^    (default|\d{3}) '(.*)';$", PARTS["problems-table"], re.MULTILINE)


@pytest.mark.parametrize(("key", "document"), TABLE, ids=[key for key, _ in TABLE])
def test_a_problem_has_the_words_of_the_api(key: str, document: str) -> None:
    """Code, title and whether to try again are those of the API's problem of the same code; the status is its row's."""
    problem = Problem.model_validate_json(document.replace("$imagemill_path", "/"))
    kind = TYPES[problem.code]
    assert problem.status == (500 if key == "default" else int(key))
    assert (problem.type, problem.title, problem.retryable) == (type_uri(kind.code), kind.title, kind.retryable)
    assert json.loads(document)["instance"] == "$imagemill_path"


def test_every_error_page_has_a_row() -> None:
    """A status that is turned into a problem has a document of its own, or is a fault."""
    said = re.findall(r"^error_page ([^@]*) @problem;$", PARTS["problems"], re.MULTILINE)
    statuses = {text.rpartition("=")[2] if "=" in text else status for text in said for status in text.split()}
    assert statuses - {"500"} == {key for key, _ in TABLE} - {"default"}


def seconds(directive: str) -> float:
    """What a directive of the main file says, in seconds."""
    found = re.search(rf"^    {directive} (\d+)s;", MAIN, re.MULTILINE)
    assert found, directive
    return float(found[1])


def test_limits_follow_the_settings() -> None:
    """nginx takes what the API takes and no more, waits for a client as long, and for the API longer than it waits."""
    settings = Settings()
    found = re.search(r"client_max_body_size (\d+);", MAIN)
    assert found
    assert int(found[1]) == body_limit_bytes(settings.limits)
    for directive in ("client_header_timeout", "client_body_timeout", "send_timeout"):
        assert seconds(directive) == settings.client_seconds
    assert seconds("proxy_read_timeout") >= settings.wait_seconds + settings.client_seconds


def test_every_place_has_the_same_files() -> None:
    """Whatever differs from place to place is in files of the same names."""
    names = {path.name for path in (NGINX / "debian").iterdir()}
    included = set(re.findall(r"include imagemill-site/(\S+);", MAIN))
    assert names == included == {path.name for path in (NGINX / "compose").iterdir()}


def test_every_part_is_included() -> None:
    """No part lies there unused, and none that is included is missing."""
    files = [path.read_text() for path in NGINX.rglob("*.conf")]
    assert set(PARTS) == {name for text in files for name in re.findall(r"include imagemill/(\S+)\.conf;", text)}
