"""A job's token, its delays, its states, and the page that explains them."""

import re
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path
from uuid import UUID

import pytest

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import (
    TRANSITIONS,
    Failure,
    Job,
    JobStatus,
    Original,
    make_token,
    resend_delay_seconds,
    retry_delay_seconds,
    token_namespace,
)
from imagemill.domain.recipe import Recipe
from imagemill.errors import CorruptImage, ImagemillError, RenderFailed, WorkerLost

PAGE = Path(__file__).parents[3] / "docs" / "job-states.md"
SHA256 = "ab" * 32
NAMESPACE = token_namespace("a secret")
RECIPE = Recipe.parse({"width": 100})


def job(status: JobStatus, error: ImagemillError | None = None) -> Job:
    """A job of a status."""
    now = datetime(2027, 1, 15, tzinfo=UTC)
    return Job(
        token=make_token(NAMESPACE, "ada", SHA256, RECIPE),
        owner="ada",
        status=status,
        recipe=RECIPE,
        original=Original("ada", SHA256, "a key", 1, Header(ImageFormat.PNG, Size(1, 1), frames=1, alpha=False)),
        results_id="0" * 32,
        attempts=1,
        products=(),
        failure=Failure.of(error) if error else None,
        created_at=now,
        started_at=now,
        finished_at=now,
        expires_at=now,
    )


def test_the_page_tells_the_transitions() -> None:
    """The table in docs/job-states.md has the transitions of `TRANSITIONS`, all of them and no other."""
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE.read_text(), flags=re.MULTILINE)
    told = {(JobStatus(before), JobStatus(after)) for before, after in rows}
    assert told == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


def test_the_page_tells_every_state() -> None:
    """Each status has its paragraph in docs/job-states.md."""
    assert re.findall(r"^\*\*(\w+)\*\*:", PAGE.read_text(), flags=re.MULTILINE) == [str(status) for status in JobStatus]


def test_nothing_leaves_an_end() -> None:
    """SUCCESS, FAILURE and REVOKED are terminal, PENDING and IN_PROGRESS are not."""
    assert set(TRANSITIONS) == set(JobStatus)
    ends = {status for status in JobStatus if status.terminal}
    assert ends == {JobStatus.SUCCESS, JobStatus.FAILURE, JobStatus.REVOKED}


def test_a_token_is_a_uuid_of_version_5() -> None:
    """RFC 9562, section 5.5: of a name within a namespace."""
    token = make_token(NAMESPACE, "ada", SHA256, RECIPE)
    assert (token.version, token.variant) == (5, "specified in RFC 4122")


def test_a_token_never_changes_between_releases() -> None:
    """What a client wrote down yesterday is found tomorrow: the derivation is fixed, but for RECIPE_VERSION."""
    assert make_token(NAMESPACE, "ada", SHA256, RECIPE) == UUID("3ac70d07-a81f-5269-b061-d0a974ae7bab")


def test_a_token_is_the_same_for_the_same_work() -> None:
    """Options that mean the same, however they are spelled or ordered, give the same token."""
    recipes = [
        Recipe.parse({"width": 100, "height": 50}),
        Recipe.parse({"height": 50, "width": 100, "fit": "cover", "gravity": "center", "dpr": 1}),
        Recipe.parse({"outputs": [{"width": 100, "height": 50, "name": "image"}]}),
        Recipe.parse_text({"width": "100", "height": "50", "enlarge": "false", "dpr": "1.0"}),
    ]
    assert len({make_token(NAMESPACE, "ada", SHA256, recipe) for recipe in recipes}) == 1


def test_a_token_differs_for_other_work() -> None:
    """Another secret, owner, image or option is another token."""
    namespaces = [NAMESPACE, token_namespace("another secret")]
    digests = [SHA256, "cd" * 32]
    recipes = [RECIPE, Recipe.parse({"width": 101})]
    tokens = [make_token(*parts) for parts in product(namespaces, ["ada", "bob"], digests, recipes)]
    assert len(set(tokens)) == 2**4


def test_retries_back_off() -> None:
    """Soon at first, then ever more rarely, at least once a minute."""
    assert [retry_delay_seconds(age) for age in (0, 8, 40, 240, 10**9)] == [2, 2, 10, 60, 60]


@pytest.mark.parametrize("first", [1, 15, 600, 10_000])
def test_sending_again_backs_off(first: int) -> None:
    """The pauses double up to ten minutes and never shrink, however often a job was sent."""
    pauses = [resend_delay_seconds(sends, first) for sends in range(30)]
    assert pauses[0] == min(first, 600)
    assert all(later in (2 * earlier, 600) for earlier, later in pairwise(pauses))
    assert resend_delay_seconds(10**9, first) == 600


@pytest.mark.parametrize(
    ("status", "error", "replaceable"),
    [
        (JobStatus.PENDING, None, False),
        (JobStatus.IN_PROGRESS, None, False),
        (JobStatus.SUCCESS, None, False),
        (JobStatus.FAILURE, CorruptImage("Cut short."), False),
        (JobStatus.FAILURE, WorkerLost(), True),
        (JobStatus.REVOKED, None, True),
    ],
)
def test_what_a_repeated_request_replaces(status: JobStatus, error: ImagemillError | None, replaceable: bool) -> None:
    """What was erased and what failed for a passing reason runs again; anything else is reused."""
    assert job(status, error).replaceable is replaceable


def test_a_failure_says_what_its_error_says() -> None:
    """Code, title, sentence and whether to try again come from the error; without a sentence the title serves."""
    assert Failure.of(CorruptImage("Cut short.")) == Failure(
        "corrupt-image", "The image is damaged", "Cut short.", retryable=False
    )
    assert Failure.of(RenderFailed()).detail == RenderFailed.title
