"""The one place that picks adapters and puts the flows together. Builds, but starts and connects nothing."""

from dataclasses import dataclass
from pathlib import Path

from imagemill.broker import CeleryQueue, create_celery
from imagemill.config import Settings
from imagemill.counter import SharedCounter
from imagemill.domain.job import token_namespace
from imagemill.domain.ports import Faults, JobStore, ObjectStore, RequestCounter
from imagemill.doorbell import RedisDoorbell
from imagemill.engine.pipeline import VipsEngine
from imagemill.faults import from_setting
from imagemill.flow.deliver import Deliver
from imagemill.flow.erase import Erase
from imagemill.flow.follow import Follow
from imagemill.flow.health import Health
from imagemill.flow.intake import Intake
from imagemill.flow.orphans import Orphans
from imagemill.flow.pressure import Bounds, Pressure
from imagemill.flow.quota import Quota
from imagemill.flow.render import Render
from imagemill.flow.sweep import Sweep
from imagemill.jobs.store import SqlJobStore
from imagemill.storage.files import FileStore

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class WebServices:
    """What the API uses."""

    settings: Settings
    intake: Intake
    follow: Follow
    erase: Erase
    deliver: Deliver
    health: Health
    quota: Quota
    counter: RequestCounter


def for_web(settings: Settings) -> WebServices:
    """The flows of the API."""
    jobs, store, doorbell, queue = _jobs(settings), _store(settings), _doorbell(settings), _queue(settings)
    quota = Quota(jobs)
    return WebServices(
        settings=settings,
        intake=Intake(
            engine=VipsEngine(settings.limits),
            store=store,
            jobs=jobs,
            queue=queue,
            faults=_faults(settings),
            limits=settings.limits,
            namespace=token_namespace(settings.secret()),
            resend_seconds=settings.resend_seconds,
            pressure=Pressure(jobs, _bounds(settings)),
            quota=quota,
        ),
        follow=Follow(jobs, doorbell),
        erase=Erase(jobs, store, doorbell),
        deliver=Deliver(store),
        health=Health(jobs, store, queue),
        quota=quota,
        counter=_counter(settings),
    )


def for_worker(settings: Settings) -> Render:
    """The flow of a worker."""
    return Render(
        engine=VipsEngine(settings.limits),
        store=_store(settings),
        jobs=_jobs(settings),
        doorbell=_doorbell(settings),
        faults=_faults(settings),
        lease_seconds=settings.lease_seconds,
        soft_seconds=settings.job_soft_seconds,
        hard_seconds=settings.job_hard_seconds,
        patience_seconds=settings.patience_seconds,
    )


def for_beat(settings: Settings) -> Sweep:
    """The flow of the beat."""
    jobs, store, doorbell = _jobs(settings), _store(settings), _doorbell(settings)
    return Sweep(
        jobs=jobs,
        queue=_queue(settings),
        doorbell=doorbell,
        erase=Erase(jobs, store, doorbell),
        orphans=Orphans(jobs, store),
        max_attempts=settings.max_attempts,
        resend_seconds=settings.resend_seconds,
    )


def for_doctor(settings: Settings) -> Health:
    """The parts to be checked."""
    return Health(_jobs(settings), _store(settings), _queue(settings))


def _bounds(settings: Settings) -> Bounds:
    return Bounds(settings.max_pending, settings.max_pending_seconds, settings.max_pending_per_owner)


def _counter(settings: Settings) -> RequestCounter:
    return SharedCounter(settings.broker, settings.queue)


def _jobs(settings: Settings) -> JobStore:
    return SqlJobStore(settings.database, keep_seconds=settings.keep_days * _DAY_SECONDS, faults=_faults(settings))


def _store(settings: Settings) -> ObjectStore:
    return FileStore(Path(settings.storage.removeprefix("file:")))


def _queue(settings: Settings) -> CeleryQueue:
    return CeleryQueue(create_celery(settings))


def _doorbell(settings: Settings) -> RedisDoorbell:
    return RedisDoorbell(settings.broker, f"{settings.queue}:ended")


def _faults(settings: Settings) -> Faults:
    return from_setting(settings.faults, settings.data / "faults")
