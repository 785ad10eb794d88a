"""`/api/v1/usage`: what a caller has used of his quota today."""

from dataclasses import dataclass

from flask import Flask, Response, request

from imagemill.domain.work import MEGAPIXEL
from imagemill.flow.quota import Quota
from imagemill.web.answers import respond
from imagemill.web.auth import caller_of
from imagemill.web.schemas import UsageAnswer

USAGE = "/api/v1/usage"


@dataclass(frozen=True)
class UsagePage:
    """The page."""

    quota: Quota

    def register(self, app: Flask) -> None:
        """Put it in its place."""
        app.add_url_rule(USAGE, "usage", self.show, methods=["GET"])

    def show(self) -> Response:
        """The caller's quota and what he has used of it."""
        caller = caller_of(request)
        usage = self.quota.usage(caller)
        if usage is None:
            return respond(UsageAnswer(megapixels_per_day=None, megapixels_used=None, resets_at=None))
        used = usage.pixels / MEGAPIXEL
        return respond(
            UsageAnswer(megapixels_per_day=caller.megapixels_per_day, megapixels_used=used, resets_at=usage.resets_at)
        )
