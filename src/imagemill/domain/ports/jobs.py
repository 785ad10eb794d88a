"""The port of the record: jobs and their originals."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from imagemill.domain.job import Failure, Job, NewJob, Original, Product
from imagemill.domain.ports.answers import Accepted, Backlog, Claim, Page, Released
from imagemill.domain.work import Usage


class JobStore(Protocol):
    """The record. Each change is one conditional update: one row changed or none is the answer.

    All times come from the store's own clock. Owners never see each other's jobs or originals.

    Raises:
        RecordUnavailable: the database does not answer.
    """

    def find(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, unless its keeping has run out."""
        ...

    def find_reusable(self, token: UUID, owner: str) -> Job | None:
        """The owner's job, if it answers the same request again as it is.

        That is, unless it is `replaceable`, or in the last hundredth of its keeping: then `accept` decides.
        """
        ...

    def find_original(self, owner: str, sha256: str) -> Original | None:
        """The owner's image with this digest, if it is kept."""
        ...

    def accept(self, new: NewJob) -> Accepted | None:
        """Commit a job and its original, durably, in one transaction; `take_due` finds it `send_after_seconds` later.

        A record of the token that is neither `replaceable` nor past its keeping is returned, reused; in the last
        hundredth of its keeping it is kept for as long again, from now on. Any other is removed in the same
        transaction; its outputs' keys go to the list that `take_garbage` hands out.

        Returns:
            None if `new.original.key` is not the key that is recorded for its owner and digest: someone else stored
            the same image first, or it was erased meanwhile. The caller looks again.

        Raises:
            QuotaExceeded: `new.charge` is more than is left of the quota. Only a job that is newly recorded is charged,
                and whoever is first of several at once.
        """
        ...

    def claim(self, token: UUID, lease_seconds: float) -> Claim | None:
        """PENDING → IN_PROGRESS under a new lease, one attempt more; None if no job is PENDING and due.

        A job that is not `in_turn` is claimed by its own token only. Those that are have an order: any other token
        claims the first of them. Owners take turns there by the weight of their jobs (`work.weight`); a job that was
        claimed before and came back goes first.

        Raises NewerRecord for a job that only a later release can read. It is left to that one, and failed if an hour
        after it was accepted none has come.

        Need not survive a power cut: a claim that is forgotten is a job that is PENDING.
        """
        ...

    def renew(self, token: UUID, lease: UUID, lease_seconds: float) -> bool:
        """Prolong a lease; False if it is no longer this worker's."""
        ...

    def finish(self, token: UUID, lease: UUID, products: Sequence[Product]) -> bool:
        """IN_PROGRESS → SUCCESS, publishing the products, durably; False if the lease is not this worker's."""
        ...

    def fail(self, token: UUID, lease: UUID, failure: Failure) -> bool:
        """IN_PROGRESS → FAILURE, durably; False if the lease is not this worker's."""
        ...

    def retry(self, token: UUID, lease: UUID, delay_seconds: float) -> bool:
        """IN_PROGRESS → PENDING, due after a delay; False if the lease is not this worker's.

        The attempt is not counted: whoever gives a job back this way is alive, and the image is not to blame.
        """
        ...

    def erase(self, token: UUID, owner: str) -> Job | None:
        """Take the owner's job out: a running or waiting one becomes REVOKED, an ended one is forgotten.

        The keys of its outputs, and of its original if no other job needs it, go to the garbage list in the same
        transaction.

        Returns:
            The job as it stood before; None if there is none. Erasing a REVOKED job again returns it, unchanged.
        """
        ...

    def backlog(self) -> Backlog:
        """How much work waits, of all owners."""
        ...

    def pending_in_turn(self, owner: str, limit: int) -> int:
        """How many of an owner's jobs wait for their turn, counted up to a limit."""
        ...

    def usage(self, name: str) -> Usage:
        """What the charges of this name add up to today."""
        ...

    def page(self, owner: str, cursor: str | None, limit: int) -> Page:
        """The owner's jobs, newest first. Raises MalformedRequest for a cursor that is not one."""
        ...

    def release_expired(self, max_attempts: int, limit: int) -> Released:
        """End the leases that have run out: → PENDING and due at once, or → FAILURE `worker-lost` at the cap."""
        ...

    def take_due(self, first_seconds: int, limit: int) -> list[UUID]:
        """PENDING jobs whose time to be sent (again) has come, oldest first; each pushed back so that only one sweep
        sends it. `first_seconds` is the base of `resend_delay_seconds`."""
        ...

    def give_back(self, tokens: Sequence[UUID]) -> None:
        """Undo `take_due` for jobs that could not be sent: due at once, and not counted as sent. One that is no longer
        waiting stays as it is."""
        ...

    def forget_expired(self, limit: int) -> int:
        """Remove ended jobs whose keeping has run out; their keys go to the garbage list. Returns how many."""
        ...

    def take_garbage(self, limit: int, among: Sequence[str] | None = None) -> list[str]:
        """Keys of objects that no record needs any more, the longest due first; `among` narrows it to these keys.

        They stay listed until `drop_garbage` names them.
        """
        ...

    def postpone_garbage(self, keys: Sequence[str], delay_seconds: float) -> None:
        """Put off keys that are due and whose objects cannot be deleted, so that the others' turn comes."""
        ...

    def drop_garbage(self, keys: Sequence[str]) -> None:
        """Strike out keys whose objects are gone."""
        ...

    def give_up_originals(self, unused_seconds: float, limit: int) -> int:
        """Let go of originals that no job was accepted with for so long, and whose jobs have all ended.

        Their keys go to the garbage list; their jobs stay as they are. The same image, sent again, is a new original.

        Returns:
            How many.
        """
        ...

    def discard_unnamed(self, keys: Sequence[str]) -> int:
        """Those of the keys, of originals, that no record names go to the garbage list; no job is accepted with one.

        Returns:
            How many are new on the list.
        """
        ...

    def check(self) -> None:
        """Raise RecordUnavailable unless the database answers and this release can work on its tables."""
        ...
