"""Accept an image and a recipe: bound, sniff, probe, check, store, commit, and only then enqueue.

When `accept` returns, the job is durable: its bytes are in the object store and its row is committed. Whatever dies
after that, the sweep finds the row and sends it.
"""

import hashlib
import logging
import secrets
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

from imagemill.domain.caller import ANYBODY, Caller
from imagemill.domain.job import NewJob, Original, make_token
from imagemill.domain.keys import original_key
from imagemill.domain.limits import Limits
from imagemill.domain.ports import (
    Accepted,
    Bytes,
    FaultPoint,
    Faults,
    ImageEngine,
    JobQueue,
    JobStore,
    Metrics,
    ObjectStore,
    Stage,
)
from imagemill.domain.recipe import Recipe
from imagemill.errors import (
    BrokerUnavailable,
    QuotaExceeded,
    RecordUnavailable,
    StoreUnavailable,
)
from imagemill.flow.marks import check_marks
from imagemill.flow.pressure import Pressure
from imagemill.flow.quota import Quota

log = logging.getLogger(__name__)

_ROUNDS = 5  # Each lost round means that another request stored or erased the same image in between.


@dataclass(frozen=True)
class Intake:
    """Takes images in.

    Args:
        limits: what one image may cost.
        namespace: of the deployment's tokens.
        resend_seconds: how long a job waits to be claimed before the sweep sends it again.
        pressure: refuses work that would be too much.
        quota: refuses work that would be too much for its caller.
    """

    engine: ImageEngine
    store: ObjectStore
    jobs: JobStore
    queue: JobQueue
    faults: Faults
    metrics: Metrics
    limits: Limits
    namespace: UUID
    resend_seconds: int
    pressure: Pressure
    quota: Quota

    def accept(self, caller: Caller, data: Bytes, recipe: Recipe) -> Accepted:
        """Make a job of an image, or find the one that does the same work already.

        Args:
            caller: who asks.
            data: the image's bytes.
            recipe: what to make of it.

        Returns:
            The job, durable; `reused` if nothing new had to be done.

        Raises:
            BadInput: the image is refused; nothing of it is kept.
            TooMuch, Overloaded, StoreUnavailable: nothing of it is kept.
            RecordUnavailable: it may have been accepted; sending it again makes sure, and makes nothing twice.
        """
        started = time.perf_counter()
        accepted = self._accept(caller, data, recipe)
        self.metrics.took(Stage.ACCEPT, time.perf_counter() - started)
        self.metrics.accepted(accepted.job.original, reused=accepted.reused)
        return accepted

    def _accept(self, caller: Caller, data: Bytes, recipe: Recipe) -> Accepted:
        recipe.check_boxes(self.limits.output_pixels)
        self.limits.check_bytes(len(data))
        sha256 = hashlib.sha256(data).hexdigest()
        token = make_token(self.namespace, caller.owner, sha256, recipe)
        job = self.jobs.find_reusable(token, caller.owner)
        if job is not None:
            return Accepted(job, reused=True)
        self.pressure.check(caller.owner)
        check_marks(self.jobs, caller.owner, recipe)
        accepted = self._record(caller, token, sha256, data, recipe)
        self.faults.reach(FaultPoint.ROW_COMMITTED, token)
        if not accepted.reused:
            self._send(token)
        return accepted

    def _record(self, caller: Caller, token: UUID, sha256: str, data: Bytes, recipe: Recipe) -> Accepted:
        for _ in range(_ROUNDS):
            original = self.jobs.find_original(caller.owner, sha256)
            if original is None:
                original = stored = self._store_new(caller, token, sha256, data, recipe)
            else:
                stored = None
                recipe.check_boxes(self.limits.output_pixels, original.header)
                recipe.check_source(original.header.size)
                self._restore(original, data)
            try:
                # Should the record go away now, the bytes stay: it may have committed the row and lost only its answer.
                accepted = self.jobs.accept(self._new_job(caller, token, original, recipe))
            except QuotaExceeded:
                if stored:
                    self._discard(stored)
                raise
            if stored and (accepted is None or accepted.job.original.key != stored.key):
                self._discard(stored)
            if accepted is not None:
                return accepted
        raise RecordUnavailable("Too many requests are changing the same image at once.")

    def _new_job(self, caller: Caller, token: UUID, original: Original, recipe: Recipe) -> NewJob:
        return NewJob(
            token,
            recipe,
            original,
            uuid4().hex,
            send_after_seconds=self.resend_seconds,
            charge=self.quota.charge(caller, original.header),
            # While authentication is off everybody is one owner, and there is nobody to take turns with.
            in_turn=caller != ANYBODY,
        )

    def _restore(self, original: Original, data: Bytes) -> None:
        # Costs a look, and mends what an operator or a disk has lost.
        if self.store.stat(original.key) is None:
            self.store.put(original.key, data)

    def _store_new(self, caller: Caller, token: UUID, sha256: str, data: Bytes, recipe: Recipe) -> Original:
        header = self.engine.probe(data)
        self.limits.check_header(header)
        recipe.check_boxes(self.limits.output_pixels, header)
        recipe.check_source(header.size)
        self.quota.check(self.quota.charge(caller, header))
        key = original_key(sha256, secrets.token_hex(8))
        self.store.put(key, data)
        self.faults.reach(FaultPoint.ORIGINAL_PUT, token)
        return Original(caller.owner, sha256, key, len(data), header)

    def _discard(self, stored: Original) -> None:
        # The key was drawn for this put alone, so nobody else can need it.
        try:
            self.store.delete(stored.key)
        except StoreUnavailable:
            log.warning("An object that no job needs is left in the store.", extra={"key": stored.key})

    def _send(self, token: UUID) -> None:
        try:
            self.queue.send(token)
        except BrokerUnavailable:
            log.warning("The broker is away; the sweep will send the job.", extra={"token": str(token)})
            self.metrics.unsent()
        else:
            self.faults.reach(FaultPoint.MESSAGE_PUBLISHED, token)
