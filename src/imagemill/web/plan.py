"""`/api/v1/plan`: what a request to `/api/v1/resize` would make, without making it."""

from dataclasses import dataclass

from flask import Flask, Response, request

from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.domain.prospect import Prospect
from imagemill.domain.work import MEGAPIXEL
from imagemill.flow.plan import Plan
from imagemill.web import body
from imagemill.web.answers import respond, source_answer
from imagemill.web.auth import caller_of
from imagemill.web.schemas import PlanAnswer, ProspectAnswer, WarningAnswer

PLAN = "/api/v1/plan"


@dataclass(frozen=True)
class PlanApi:
    """The dry run.

    Args:
        plan: tells what would be made.
        limits: of what is read of a body.
    """

    plan: Plan
    limits: Limits

    def register(self, app: Flask) -> None:
        """Put it in its place."""
        app.add_url_rule(PLAN, "plan", self.show, methods=["POST"])

    def show(self) -> Response:
        """What the same body would become at `/api/v1/resize`."""
        submission = body.read(request, self.limits)
        header, prospects = self.plan.plan(caller_of(request), submission.image, submission.recipe)
        return respond(_answer(header, len(submission.image), prospects))


def _answer(header: Header, bytes: int, prospects: tuple[Prospect, ...]) -> PlanAnswer:
    return PlanAnswer(
        source=source_answer(header, bytes),
        megapixels=header.pixels / MEGAPIXEL,
        outputs=tuple(map(_prospect, prospects)),
    )


def _prospect(prospect: Prospect) -> ProspectAnswer:
    return ProspectAnswer(
        names=prospect.output.names,
        formats=prospect.formats,
        width=prospect.size.width,
        height=prospect.size.height,
        frames=prospect.frames,
        megapixels=prospect.size.pixels * prospect.frames / MEGAPIXEL,
        steps=prospect.steps,
        warnings=tuple(WarningAnswer(pointer=warning.pointer, detail=warning.detail) for warning in prospect.warnings),
    )
