"""`/api/v1/resize`: make a job, ask for it, erase it, list them."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask, Response, request

from imagemill import observability
from imagemill.domain.job import Job
from imagemill.domain.options import Whole, pointer
from imagemill.domain.ports import Accepted
from imagemill.errors import InvalidOptions, OptionProblem, UnknownToken
from imagemill.web import body, prefer
from imagemill.web.answers import API, accepted_answer, job_answer, job_url, respond, site_of
from imagemill.web.auth import caller_of
from imagemill.web.schemas import JobsAnswer
from imagemill.wiring import WebServices

ASK_AGAIN_SECONDS = 1
"""Retry-After of a job that has not ended."""

PAGE_LIMIT = Whole(1, 100)
PAGE_DEFAULT = 20


@dataclass(frozen=True)
class ResizeApi:
    """The resource of jobs."""

    services: WebServices
    slots: prefer.WaitSlots

    def register(self, app: Flask) -> None:
        """Put the methods in their places."""
        one = f"{API}/<token>"
        app.add_url_rule(API, "submit", self.submit, methods=["POST"])
        app.add_url_rule(API, "page", self.page, methods=["GET"])
        app.add_url_rule(one, "show", self.show, methods=["GET"])
        app.add_url_rule(one, "erase", self.erase, methods=["DELETE"])

    def submit(self) -> Response:
        """Accept an image: 202, or 200 with the whole job if it ended while the answer was held."""
        site = site_of(self.services.settings)
        accepted = self._accept()
        observability.bind(token=str(accepted.job.token))
        job, waited = self._await_end(accepted.job)
        if waited and job.status.terminal:
            response = self._job(site, job)
        else:
            response = respond(accepted_answer(site, job, reused=accepted.reused), 202)
            response.headers["Retry-After"] = str(ASK_AGAIN_SECONDS)
        response.headers["Location"] = job_url(site, job)
        return _applied(response, waited)

    def show(self, token: str) -> Response:
        """The job as it stands now, or when it has ended."""
        job, waited = self._await_end(self.services.follow.job(_parse_token(token), caller_of(request).owner))
        return _applied(self._job(site_of(self.services.settings), job), waited)

    def erase(self, token: str) -> Response:
        """Erase the job and what only it needed."""
        self.services.erase.erase(_parse_token(token), caller_of(request).owner)
        return Response(status=204)

    def page(self) -> Response:
        """Some of the owner's jobs, with the way to the next ones."""
        cursor, limit = _page_options()
        page = self.services.follow.page(caller_of(request).owner, cursor, limit)
        site = site_of(self.services.settings)
        jobs = tuple(job_answer(site, job, self.services.deliver.url) for job in page.jobs)
        response = respond(JobsAnswer(jobs=jobs, next_cursor=page.cursor))
        if page.cursor:
            query = urlencode({"cursor": page.cursor, "limit": limit})
            response.headers["Link"] = f'<{site}{API}?{query}>; rel="next"'
        return response

    def _accept(self) -> Accepted:
        # Apart, so that a request that waits no longer holds its image.
        submission = body.read(request, self.services.settings.limits)
        return self.services.intake.accept(caller_of(request), submission.image, submission.recipe)

    def _await_end(self, job: Job) -> tuple[Job, int]:
        # The job, and the seconds of the wait that was granted: 0 if none was asked for or no slot was free.
        settings = self.services.settings
        seconds = min(prefer.wait_seconds(request.headers.get("Prefer", "")), settings.wait_seconds)
        if not seconds or job.status.terminal:
            return job, seconds
        with self.slots.take() as granted:
            if not granted:
                return job, 0
            return self.services.follow.await_end(job, seconds), seconds

    def _job(self, site: str, job: Job) -> Response:
        response = respond(job_answer(site, job, self.services.deliver.url))
        if not job.status.terminal:
            response.headers["Retry-After"] = str(ASK_AGAIN_SECONDS)
        return response


def _applied(response: Response, waited: int) -> Response:
    if waited:
        response.headers["Preference-Applied"] = f"wait={waited}"
    return response


def _parse_token(text: str) -> UUID:
    try:
        token = UUID(text)
    except ValueError:
        raise UnknownToken("This is not a token.") from None
    if str(token) != text.lower():  # UUID() also reads braces, URNs and missing hyphens.
        raise UnknownToken("This is not a token.")
    observability.bind(token=str(token))
    return token


def _page_options() -> tuple[str | None, int]:
    options = body.single(request.args)
    cursor, limit = options.pop("cursor", None), options.pop("limit", str(PAGE_DEFAULT))
    if options:
        raise InvalidOptions(*(OptionProblem(pointer(name), "must be `cursor` or `limit`") for name in options))
    try:
        return cursor, PAGE_LIMIT.read_text(limit)
    except ValueError as error:
        raise InvalidOptions(OptionProblem("/limit", str(error))) from None
