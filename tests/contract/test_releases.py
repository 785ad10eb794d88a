"""An upgrade with nothing stopped: for a while two releases work on one record. The other one is the first, frozen."""

import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Engine, bindparam, create_engine, text
from sqlalchemy.types import BigInteger

from imagemill.domain.formats import ImageFormat
from imagemill.domain.job import JobStatus
from imagemill.domain.recipe import Recipe
from imagemill.errors import NewerRecord, RecordUnavailable
from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.dialects import read_url
from imagemill.jobs.revision import REVISION
from imagemill.jobs.store import SqlJobStore
from tests.fakes.jobs import new_job, products
from tests.releases.first import PRODUCTS, RECIPES, FirstRelease

OLD_JOB = UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """The database, past all of this release's code."""
    opened = create_engine(read_url(database))
    yield opened
    opened.dispose()


@pytest.fixture
def first(engine: Engine) -> FirstRelease:
    """The first release on this release's tables."""
    return FirstRelease(engine)


@pytest.fixture
def store(database: str) -> Iterator[SqlJobStore]:
    """This release's record."""
    opened = SqlJobStore(database, keep_seconds=60, faults=NoFaults())
    yield opened
    opened.close()


def status(store: SqlJobStore, token: UUID) -> JobStatus:
    """How this release sees a job."""
    job = store.find(token, "ada")
    assert job is not None
    return job.status


@pytest.mark.parametrize("recipe", RECIPES)
def test_old_recipes_keep_their_meaning_and_their_spelling(recipe: str) -> None:
    """What the first release wrote is read, and would be written the same: no option lost its name or its default."""
    assert Recipe.from_canonical(recipe).canonical() == recipe


@pytest.mark.parametrize("recipe", RECIPES)
def test_this_releases_worker_ends_what_the_old_api_accepted(
    first: FirstRelease, store: SqlJobStore, recipe: str
) -> None:
    """A row without any of the newer columns is claimed, worked and ended, and its outputs are told of."""
    first.accept(OLD_JOB, recipe, key="originals/a1/a11-1")
    claim = store.claim(OLD_JOB, 15)
    assert claim is not None
    assert claim.job.recipe == Recipe.from_canonical(recipe)
    assert claim.job.original.key == "originals/a1/a11-1"
    assert store.renew(OLD_JOB, claim.lease, 15)
    assert store.finish(OLD_JOB, claim.lease, products(claim.job))
    assert status(store, OLD_JOB) is JobStatus.SUCCESS


@pytest.mark.parametrize("in_turn", [False, True], ids=["alone", "in turn"])
@pytest.mark.parametrize("end", ["finish", "fail"])
def test_the_old_worker_ends_what_this_releases_api_accepted(
    first: FirstRelease, store: SqlJobStore, in_turn: bool, end: str
) -> None:
    """It finds every column that it reads, with values that it knows, and its end is the job's."""
    new = replace(new_job(in_turn=in_turn), recipe=Recipe.from_canonical(RECIPES[1]))
    store.accept(new)
    claimed = first.claim(new.token)
    assert claimed is not None
    row, lease = claimed
    assert row["recipe"] == RECIPES[1], "what was said with the words of then is spelt as then"
    assert (row["key"], row["results_id"], row["status"]) == (new.original.key, new.results_id, "IN_PROGRESS")

    assert store.claim(new.token, 15) is None, "it is being worked"
    assert first.renew(new.token, lease)
    assert getattr(first, end)(new.token, lease)
    assert store.claim(new.token, 15) is None
    job = store.find(new.token, "ada")
    assert job is not None
    if end == "fail":
        assert job.failure is not None
        assert job.failure.code == "corrupt-image"
    else:
        (product,) = job.products
        assert (product.format, product.bytes, product.quality, product.frames) == (ImageFormat.JPEG, 1234, None, 1)


@pytest.mark.parametrize("in_turn", [False, True], ids=["alone", "in turn"])
def test_what_one_release_gives_back_the_other_takes(first: FirstRelease, store: SqlJobStore, in_turn: bool) -> None:
    """Where a worker has no store, or died: whoever is next ends the job, and only he."""
    new = new_job(in_turn=in_turn)
    store.accept(new)
    claimed = first.claim(new.token)
    assert claimed is not None
    assert first.retry(new.token, claimed[1])
    claim = store.claim(new.token, 15)
    assert claim is not None
    assert not first.finish(new.token, claimed[1])
    assert store.retry(new.token, claim.lease, 0)
    again = first.claim(new.token)
    assert again is not None
    assert not store.finish(new.token, claim.lease, products(claim.job))
    assert first.finish(new.token, again[1])


def test_what_a_later_release_adds_to_a_result_is_passed_over(engine: Engine, first: FirstRelease) -> None:
    """Facts that this release does not know are not told, and hide none that it knows."""
    first.accept(OLD_JOB, RECIPES[0], key="originals/a1/a11-1")
    claimed = first.claim(OLD_JOB)
    assert claimed is not None
    assert first.finish(OLD_JOB, claimed[1])
    richer = json.dumps([item | {"sparkle": 7} for item in json.loads(PRODUCTS)])
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET products = :text"), {"text": richer})
    store = SqlJobStore(engine.url.render_as_string(hide_password=False), keep_seconds=60, faults=NoFaults())
    job = store.find(OLD_JOB, "ada")
    assert job is not None
    assert job.products[0].bytes == 1234
    store.close()


def test_a_job_that_only_a_later_release_can_read_is_left_to_it(database: str, engine: Engine) -> None:
    """It waits, no attempt is counted, a client is told to ask again; only when none has come for an hour it fails."""
    now = [1_800_000_000_000]
    clock = bindparam("now", callable_=lambda: now[0], type_=BigInteger)
    store = SqlJobStore(database, keep_seconds=60, faults=NoFaults(), clock=clock)
    new = new_job()
    store.accept(new)
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET recipe = :text"), {"text": '[{"sparkle":true,"width":100}]'})

    with pytest.raises(NewerRecord):
        store.claim(new.token, 15)
    with pytest.raises(NewerRecord):
        store.find(new.token, "ada")
    assert _row(engine) == ("PENDING", 0, None)
    assert store.claim(new.token, 15) is None, "not at once"
    now[0] += 16_000
    assert store.take_due(15, 10) == [new.token]

    now[0] += 3_600_000
    with pytest.raises(NewerRecord):
        store.claim(new.token, 15)
    ended, attempts, failure = _row(engine)
    assert (ended, attempts) == ("FAILURE", 1)
    assert json.loads(str(failure))["retryable"]
    store.close()


def _row(engine: Engine) -> tuple[object, ...]:
    with engine.begin() as connection:
        return tuple(connection.execute(text("SELECT status, attempts, failure FROM jobs")).one())


def test_tables_of_a_later_release_serve_this_one(empty_database: str) -> None:
    """An upgrade begins with the tables, and the APIs that are yet to be replaced must not call themselves unready."""
    schema.upgrade(empty_database)
    store = SqlJobStore(empty_database, keep_seconds=60, faults=NoFaults())
    engine = create_engine(read_url(empty_database))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{int(REVISION) + 1:04}'"))
    store.check()
    schema.upgrade(empty_database)  # as this release's own start does after a way back
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{int(REVISION) - 1:04}'"))
    with pytest.raises(RecordUnavailable):
        store.check()
    engine.dispose()
    store.close()
