"""Domain objects as answers: which field of a job a client sees under which name."""

from collections.abc import Callable, Sequence

from flask import Response, request

from imagemill.config import Settings
from imagemill.domain.geometry import Size
from imagemill.domain.header import Header
from imagemill.domain.job import Failure, Job, Product
from imagemill.domain.markup import Shown, markup, show_one_picture
from imagemill.errors import MalformedRequest
from imagemill.web.problems import status_of, type_uri
from imagemill.web.schemas import (
    AcceptedAnswer,
    Answer,
    JobAnswer,
    JobTrouble,
    MarkupAnswer,
    OutputAnswer,
    SourceAnswer,
)

API = "/api/v1/resize"


def respond(answer: Answer, status: int = 200) -> Response:
    """An answer as JSON."""
    return Response(answer.model_dump_json(), status, content_type="application/json")


def site_of(settings: Settings) -> str:
    """What URLs in the answer to the current request begin with.

    Raises:
        MalformedRequest: nobody set `public_url`, and the Host header is not one (RFC 9112, section 3.2).
    """
    if settings.public_url:
        return settings.public_url
    if not request.host:
        raise MalformedRequest("The Host header is missing or not valid.")
    return request.root_url.rstrip("/")


def job_url(site: str, job: Job) -> str:
    """Where to ask for a job."""
    return f"{site}{API}/{job.token}"


def accepted_answer(site: str, job: Job, *, reused: bool) -> AcceptedAnswer:
    """What a POST tells of its job."""
    return AcceptedAnswer(token=job.token, status=job.status, reused=reused, status_url=job_url(site, job))


def job_answer(site: str, job: Job, image_url: Callable[[str, str], str]) -> JobAnswer:
    """All that an owner may know of a job.

    Args:
        site: what this service's URLs begin with.
        job: as the record has it.
        image_url: from site and key to where clients find an output.
    """
    outputs = tuple(_output(image_url(site, product.key), product) for product in job.products)
    return JobAnswer(
        status=job.status,
        resized_image_url=outputs[0].url if outputs else None,
        token=job.token,
        outputs=outputs,
        markup=_markup(job, outputs),
        source=source_answer(job.original.header, job.original.bytes),
        error=_trouble(job, job.failure) if job.failure else None,
        attempts=job.attempts,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        expires_at=job.expires_at,
    )


def _output(url: str, product: Product) -> OutputAnswer:
    return OutputAnswer(
        name=product.name,
        url=url,
        width=product.size.width,
        height=product.size.height,
        format=product.format,
        bytes=product.bytes,
        quality=product.quality,
        score=product.score,
        frames=product.frames,
        placeholder=product.placeholder,
        dominant_color=product.dominant_color,
    )


def _markup(job: Job, outputs: Sequence[OutputAnswer]) -> MarkupAnswer | None:
    if len(outputs) < 2 or not show_one_picture(job.recipe.outputs):
        return None
    found = markup(
        [Shown(output.url, output.format, Size(output.width, output.height), output.frames) for output in outputs]
    )
    return None if found is None else MarkupAnswer(srcset=dict(found.srcsets), picture=found.picture)


def source_answer(header: Header, bytes: int) -> SourceAnswer:
    """An image as it was sent."""
    return SourceAnswer(
        format=header.format,
        width=header.size.width,
        height=header.size.height,
        bytes=bytes,
        frames=header.frames,
    )


def _trouble(job: Job, failure: Failure) -> JobTrouble:
    return JobTrouble(
        type=type_uri(failure.code),
        title=failure.title,
        status=status_of(failure.code),
        detail=failure.detail,
        instance=job_url("", job),
        code=failure.code,
        retryable=failure.retryable,
    )
