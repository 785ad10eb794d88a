"""Rows to nouns and back: what a job looks like in the tables."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Row, Select, select

from imagemill.domain.formats import ImageFormat
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import Failure, Job, JobStatus, NewJob, Original, Product
from imagemill.domain.recipe import Recipe
from imagemill.errors import InvalidOptions, NewerRecord
from imagemill.jobs.clock import milliseconds, moment, moment_if_any
from imagemill.jobs.tables import jobs, originals

NO_LEASE: dict[str, Any] = {"lease": None, "lease_ends_at": None}
"""The columns of a job that no worker holds."""

_OF_THE_ORIGINAL = [column for column in originals.c if column.name not in ("id", "owner", "kept", "used_at")]


def select_jobs() -> Select[Any]:
    """SELECT whole jobs, each with its original."""
    return select(jobs, *_OF_THE_ORIGINAL).join(originals)


def read_job(row: Row[Any]) -> Job:
    """A row of `select_jobs` as a job. Raises NewerRecord for words that this release does not know."""
    try:
        return _read_job(row)
    except (InvalidOptions, ValueError) as error:
        raise NewerRecord(
            "A later release of this service has this job; the one that answers cannot read it."
        ) from error


def _read_job(row: Row[Any]) -> Job:
    return Job(
        token=row.token,
        owner=row.owner,
        status=JobStatus(row.status),
        recipe=Recipe.from_canonical(row.recipe),
        original=read_original(row),
        results_id=row.results_id,
        attempts=row.attempts,
        products=_read_products(row.products),
        failure=Failure(**_known(Failure, json.loads(row.failure))) if row.failure else None,
        created_at=moment(row.created_at),
        started_at=moment_if_any(row.started_at),
        finished_at=moment_if_any(row.finished_at),
        expires_at=moment_if_any(row.expires_at),
    )


def write_new_job(new: NewJob, original_id: int, turn: int | None, now: int) -> dict[str, Any]:
    """The columns of a job that is accepted now (milliseconds)."""
    return {
        "token": new.token,
        "owner": new.original.owner,
        "status": JobStatus.PENDING,
        "recipe": new.recipe.canonical(),
        "original_id": original_id,
        "results_id": new.results_id,
        "attempts": 0,
        "created_at": now,
        "ready_at": now,
        "send_at": now + milliseconds(new.send_after_seconds),
        "sends": 0,
        "turn": turn,
    }


def accepted_job(new: NewJob, now: int) -> Job:
    """The job that `write_new_job` has written."""
    return Job(
        token=new.token,
        owner=new.original.owner,
        status=JobStatus.PENDING,
        recipe=new.recipe,
        original=new.original,
        results_id=new.results_id,
        attempts=0,
        products=(),
        failure=None,
        created_at=moment(now),
        started_at=None,
        finished_at=None,
        expires_at=None,
    )


def read_original(row: Row[Any]) -> Original:
    """A row that has an original's columns as an original."""
    header = Header(ImageFormat(row.format), Size(row.width, row.height), row.frames, row.alpha)
    return Original(row.owner, row.sha256, row.key, row.bytes, header)


def write_original(original: Original, now: int) -> dict[str, Any]:
    """The columns of an original whose bytes are kept, and used now (milliseconds)."""
    header = original.header
    return {
        "owner": original.owner,
        "sha256": original.sha256,
        "key": original.key,
        "bytes": original.bytes,
        "format": str(header.format),
        "width": header.size.width,
        "height": header.size.height,
        "frames": header.frames,
        "alpha": header.alpha,
        "kept": True,
        "used_at": now,
    }


def _read_products(text: str | None) -> tuple[Product, ...]:
    """Products from their column. One that an earlier release wrote lacks the facts that are newer, a later one's has
    facts that nobody here asks for."""
    return tuple(
        Product(**{**_known(Product, item), "format": ImageFormat(item["format"]), "size": Size(**item["size"])})
        for item in json.loads(text or "[]")
    )


def _known(noun: type[Failure | Product], item: dict[str, Any]) -> dict[str, Any]:
    return {field.name: item[field.name] for field in fields(noun) if field.name in item}


def write_products(products: Sequence[Product]) -> str:
    """Products for their column. A fact that nobody asked for is left out, as by releases that do not know it."""
    return json.dumps(
        [{name: fact for name, fact in asdict(product).items() if fact is not None} for product in products]
    )


def write_failure(failure: Failure) -> str:
    """A failure for its column."""
    return json.dumps(asdict(failure))
