"""Owners never meet: whatever others do, each sees exactly what he would see if he were alone."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, bindparam

from imagemill.domain.job import Job, NewJob, Original
from imagemill.domain.ports import JobStore
from imagemill.faults import NoFaults
from imagemill.jobs import schema
from imagemill.jobs.store import SqlJobStore
from tests.contract.record import BROKEN, KEEP_SECONDS, LEASE_SECONDS, PASSING
from tests.fakes.jobs import MemoryJobStore, new_job, products

OWNERS = ("ada", "bob", "ad")
DEEDS = ("accept", "accept", "find", "reuse", "original", "erase", "page", "work", "fail", "give up")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(OWNERS), st.sampled_from(DEEDS), st.sampled_from(["one", "two"]), st.sampled_from([1, 2])
    ),
    min_size=1,
    max_size=25,
)


class World:
    """A record and its clock, and what owners do with it; a foreign token is asked for as well as one's own."""

    def __init__(self, store: JobStore, tick: Callable[[], None]) -> None:
        self.store = store
        self.tick = tick

    def do(self, owner: str, deed: str, image: str, width: int) -> object:
        """One deed of an owner: what he gets to see of it."""
        self.tick()
        new = self._new(owner, image, width)
        match deed:
            case "accept":
                accepted = self.store.accept(new)
                return accepted and (self._seen(accepted.job), accepted.reused)
            case "find":
                return self._seen(self.store.find(new.token, owner))
            case "reuse":
                return self._seen(self.store.find_reusable(new.token, owner))
            case "original":
                found = self.store.find_original(owner, new.original.sha256)
                return found and found.sha256
            case "erase":
                return self._seen(self.store.erase(new.token, owner))
            case "page":
                return self._pages(owner)
        return self._work(new.token, deed)

    def trespass(self, owner: str) -> None:
        """Ask for everything of everybody else by its token, and find nothing."""
        for other, image, width in itertools.product(set(OWNERS) - {owner}, ["one", "two"], [1, 2]):
            token = self._new(other, image, width).token
            assert self.store.find(token, owner) is None
            assert self.store.find_reusable(token, owner) is None
            assert self.store.erase(token, owner) is None

    def _new(self, owner: str, image: str, width: int) -> NewJob:
        plain = new_job(image, owner=owner, width=width)
        original: Original | None = self.store.find_original(owner, plain.original.sha256)
        return new_job(image, owner=owner, width=width, original=original)

    def _work(self, token: UUID, deed: str) -> object:
        claim = self.store.claim(token, LEASE_SECONDS)
        if claim is None:
            return None
        if deed == "work":
            return self.store.finish(token, claim.lease, products(claim.job))
        return self.store.fail(token, claim.lease, BROKEN if deed == "fail" else PASSING)

    def _pages(self, owner: str) -> list[object]:
        seen: list[object] = []
        cursor = None
        while True:
            page = self.store.page(owner, cursor, 1)
            seen += map(self._seen, page.jobs)
            cursor = page.cursor
            if cursor is None:
                return seen

    def _seen(self, job: Job | None) -> object:
        # Without times and drawn keys, which differ from one run to the next.
        return job and (job.token, job.owner, job.status, job.attempts, job.failure, len(job.products))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_each_owner_is_alone(kind: str, tmp_path: Path) -> None:
    """A run of many owners' deeds, and the same run of one of them alone: he cannot tell the difference."""
    template = tmp_path / "template.db"
    schema.upgrade(f"sqlite:///{template}")
    numbers = itertools.count()

    def world() -> World:
        if kind == "memory":
            memory = MemoryJobStore(keep_seconds=KEEP_SECONDS)
            return World(memory, lambda: setattr(memory, "now", memory.now + 1))
        file = shutil.copy(template, tmp_path / f"{next(numbers)}.db")
        now = itertools.count(1_800_000_000_000, 1000)
        time = [next(now)]
        clock = bindparam("now", callable_=lambda: time[0], type_=BigInteger)
        store = SqlJobStore(f"sqlite:///{file}", keep_seconds=KEEP_SECONDS, faults=NoFaults(), clock=clock)
        opened.append(store)
        return World(store, lambda: time.__setitem__(0, next(now)))

    opened: list[SqlJobStore] = []

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def check(steps: list[tuple[str, str, str, int]]) -> None:
        together = world()
        seen = [(step[0], together.do(*step)) for step in steps]
        for owner in OWNERS:
            together.trespass(owner)
            alone = world()
            assert [alone.do(*step) for step in steps if step[0] == owner] == [saw for by, saw in seen if by == owner]
        while opened:
            opened.pop().close()

    check()
