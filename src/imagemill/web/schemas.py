"""The form of every answer: what is serialised, and what `/openapi.json` describes. Knows pydantic, not Flask."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from imagemill.domain.formats import ImageFormat
from imagemill.domain.job import JobStatus

Uri = Annotated[str, Field(json_schema_extra={"format": "uri"})]
UriReference = Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]


class Answer(BaseModel):
    """A JSON object that is sent."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class OptionTrouble(Answer):
    """One thing that is wrong with the options."""

    pointer: str
    """Where, as a JSON pointer (RFC 6901) into the options."""
    detail: str
    """What would be right."""


class JobTrouble(Answer):
    """Why a job ended without outputs: a problem document (RFC 9457) that came too late to be an answer."""

    type: UriReference
    """What kind of problem; under it lies a page about it."""
    title: str
    """The kind in a few words."""
    status: int
    """The HTTP status, of an answer that says only this."""
    detail: str
    """What to do about it."""
    instance: UriReference
    """The path of what it happened to."""
    code: str
    """The kind as one word, stable for ever."""
    retryable: bool
    """Whether the same request can succeed later."""


class Problem(JobTrouble):
    """Why a request was not done (RFC 9457)."""

    errors: tuple[OptionTrouble, ...] = ()
    """With `invalid-options`: each thing that is wrong."""


class OutputAnswer(Answer):
    """One image that was made."""

    name: str
    url: Uri
    width: int
    height: int
    format: ImageFormat
    bytes: int
    quality: int | None
    """That it was written with; null where the format has no such dial."""
    score: float | None
    """Likeness to the lossless picture, 0…1 (multi-scale SSIM); null unless `quality` was `auto`."""
    frames: int
    """1 for a still picture."""
    placeholder: str | None
    """What to show until the picture has loaded, as `placeholder` asked; null without it."""
    dominant_color: str | None
    """The most frequent colour, as `#rrggbb`; null unless `dominantColor` asked, or where all is clear."""


class MarkupAnswer(Answer):
    """One picture in several sizes or types, for a page."""

    srcset: dict[str, str]
    """By media type, the one to prefer first: candidates for `srcset`, as text that is not escaped for HTML."""
    picture: str
    """A `<picture>` element of all of them. What it shows (`alt`) and how wide it is (`sizes`) is the page's to say."""


class FormatAnswer(Answer):
    """What this build does with one format."""

    name: ImageFormat
    media_type: str
    extension: str
    """Of the files that it writes, without the dot."""
    reads: bool
    """Whether an image may be sent in it."""
    writes: bool
    """Whether it can be asked for with `format`."""
    alpha: bool
    """Whether it can hold transparency."""
    reads_animation: bool
    """Whether `animated` finds frames in it."""
    writes_animation: bool
    options: tuple[str, ...]
    """Options of the file that mean something to it, where it is written."""


class FormatsAnswer(Answer):
    """What this build reads and writes."""

    formats: tuple[FormatAnswer, ...]


class SourceAnswer(Answer):
    """The image as it was sent."""

    format: ImageFormat
    width: int
    """In pixels, as a viewer shows it."""
    height: int
    bytes: int
    frames: int
    """1 for a still image."""


class AcceptedAnswer(Answer):
    """The job is durable: it will be done."""

    success: Literal[True] = True
    token: UUID
    """The job's name: the same for the same owner, image and options."""
    status: JobStatus
    reused: bool
    """Whether the job was there before, so that nothing new is computed."""
    status_url: Uri
    """Where to ask for the job."""


class JobAnswer(Answer):
    """A job as it stands now."""

    status: JobStatus
    resized_image_url: Uri | None
    """The first output; null until SUCCESS."""
    token: UUID
    outputs: tuple[OutputAnswer, ...]
    """In the order they were asked for; empty until SUCCESS."""
    markup: MarkupAnswer | None
    """Null until SUCCESS, and where the outputs show different pictures or leave a browser no choice."""
    source: SourceAnswer
    error: JobTrouble | None
    """Why not; null except at FAILURE."""
    attempts: int
    """How often a worker has taken it up."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    """When job and outputs will be forgotten; null until it has ended."""


class JobsAnswer(Answer):
    """Some of the owner's jobs, newest first."""

    jobs: tuple[JobAnswer, ...]
    next_cursor: str | None
    """Where the next page begins; null at the end."""


class WarningAnswer(Answer):
    """What may not be expected of an option; no error."""

    pointer: str
    """Which, as a JSON pointer (RFC 6901) into the options."""
    detail: str
    """What comes of it."""


class ProspectAnswer(Answer):
    """One output that would be made, or as many as `widths` asks for."""

    names: tuple[str, ...]
    """What it would be called; with `widths`, what all of them would be called at most."""
    formats: tuple[ImageFormat, ...]
    """It would be one of these: with `smallest` the one of fewest bytes."""
    width: int
    """With `widths`, of the largest."""
    height: int
    frames: int
    """1 for a still picture."""
    megapixels: float
    """Width × height × frames."""
    steps: tuple[str, ...]
    """That would do something to the picture, in their order."""
    warnings: tuple[WarningAnswer, ...]


class PlanAnswer(Answer):
    """What a request would make."""

    source: SourceAnswer
    megapixels: float
    """That would have to be decoded, and that a quota would be charged: width × height × frames of the source."""
    outputs: tuple[ProspectAnswer, ...]
    """In the order they are asked for."""


class UsageAnswer(Answer):
    """A caller's quota of work. All is null where he has none."""

    megapixels_per_day: int | None
    """That may be accepted in a day, by UTC: width × height × frames of the images as they were sent."""
    megapixels_used: float | None
    """That were accepted today."""
    resets_at: datetime | None
    """When the next day begins."""


class AliveAnswer(Answer):
    """The process answers."""

    state: Literal["alive"] = "alive"


class PartAnswer(Answer):
    """One part that the service stands on."""

    state: Literal["ok", "away"]
    detail: str | None
    """What is wrong with it."""


class ReadyAnswer(Answer):
    """Whether work can be taken in."""

    state: Literal["ready", "degraded", "unavailable"]
    """`degraded`: jobs are accepted, and done when the broker is back."""
    parts: dict[Literal["database", "store", "broker"], PartAnswer]


class EntranceAnswer(Answer):
    """What this server is and where its description lies."""

    name: Literal["imagemill"] = "imagemill"
    version: str
    openapi: Uri
    resize: Uri
