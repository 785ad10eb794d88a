"""The description says what the API does, because it is made of the same tables."""

import re

import openapi_spec_validator
import pytest

from imagemill.domain.output import OPTIONS
from imagemill.errors import JobFailure
from imagemill.web import problems
from imagemill.web.app import create_app
from imagemill.web.body import JSON
from imagemill.web.openapi import document
from tests.flow.house import House
from tests.unit.web.service import API, client, services


@pytest.fixture(scope="module")
def described() -> dict:
    """The description as it is served."""
    return client(House()).get("/openapi.json").get_json()


def test_it_is_valid(described: dict) -> None:
    """It is OpenAPI 3.1."""
    assert described["openapi"].startswith("3.1")
    openapi_spec_validator.validate(described)


def test_every_path_and_method_is_described(described: dict) -> None:
    """What the app serves and what the description lists are the same."""
    served = {
        (re.sub("<(?:path:)?(.*?)>", "{}", rule.rule), method.lower())
        for rule in create_app(services(House())).url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    listed = {
        (re.sub("{.*?}", "{}", path.replace("{shard}/{file}", "{}")), method)
        for path, methods in described["paths"].items()
        for method in methods.keys() - {"parameters"}
    }
    assert listed == served


def test_every_option_is_described_in_every_way_in(described: dict) -> None:
    """JSON, form and query know the same options with the same rules."""
    schemas = described["components"]["schemas"]
    query = {parameter.get("name"): parameter for parameter in described["paths"][API]["post"]["parameters"]}
    for option in OPTIONS.values():
        rule, text = option.kind.schema(), option.kind.text_schema()
        assert {**rule, "description": option.sentence} == schemas["ResizeRequest"]["properties"][option.name]
        assert {**rule, "description": option.sentence} == schemas["OutputOptions"]["properties"][option.name]
        assert {**text, "description": option.sentence} == schemas["ResizeForm"]["properties"][option.name]
        assert query[option.name].get("schema") == text or query[option.name]["content"] == {JSON: {"schema": rule}}


def test_every_problem_of_a_request_is_described(described: dict) -> None:
    """Each code that a client can meet stands at an answer of its status."""
    told = {
        (int(status), code)
        for methods in described["paths"].values()
        for name, operation in methods.items()
        if name != "parameters"
        for status, response in operation["responses"].items()
        for code in re.findall("`([a-z0-9-]+)`:", response["description"])
    }
    met = {
        (kind.status, kind.code)
        for kind in problems.TYPES.values()
        if kind.status != 500 or kind.code == "internal-error"
    }
    of_jobs = {(problems.TYPES[kind.code].status, kind.code) for kind in JobFailure.__subclasses__()}
    assert told == met - {(405, "method-not-allowed")} - of_jobs


def test_the_public_url_is_the_server() -> None:
    """Behind a proxy the description says how to reach the service."""
    assert document("https://img.example")["servers"] == [{"url": "https://img.example"}]


def test_the_entrance_leads_to_it() -> None:
    """The first page says what this is and where to read on."""
    api = client(House())
    assert api.get(api.get("/").json["openapi"]).status_code == 200
