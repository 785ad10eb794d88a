"""The one place that picks adapters and puts the flows together. Builds, but starts and connects nothing."""

from dataclasses import dataclass, field
from pathlib import Path

from imagemill.broker import CeleryQueue, create_celery
from imagemill.config import Settings
from imagemill.domain.job import token_namespace
from imagemill.domain.ports import Faults, JobStore, ObjectStore
from imagemill.doorbell import RedisDoorbell
from imagemill.engine.pipeline import VipsEngine
from imagemill.faults import from_setting
from imagemill.flow.deliver import Deliver
from imagemill.flow.erase import Erase
from imagemill.flow.follow import Follow
from imagemill.flow.health import Health
from imagemill.flow.intake import Intake
from imagemill.flow.orphans import Orphans
from imagemill.flow.pressure import Pressure
from imagemill.flow.render import Render
from imagemill.flow.sweep import Sweep
from imagemill.jobs.store import SqlJobStore
from imagemill.observability.exposition import Exposition
from imagemill.observability.instruments import Instruments
from imagemill.observability.logs import bound
from imagemill.observability.watched import WatchedStore
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
    instruments: Instruments = field(default_factory=Instruments)
    exposition: Exposition | None = None


def for_web(settings: Settings, seen_by: Instruments | None = None) -> WebServices:
    """The flows of the API.

    Args:
        seen_by: the instruments of this process; left out, none, here and below.
    """
    seen = seen_by or Instruments()
    jobs, store, doorbell = _jobs(settings), _store(settings, seen), _doorbell(settings)
    queue = _queue(settings, seen)
    return WebServices(
        settings=settings,
        intake=Intake(
            engine=VipsEngine(settings.limits),
            store=store,
            jobs=jobs,
            queue=queue,
            faults=_faults(settings),
            metrics=seen.metrics,
            limits=settings.limits,
            namespace=token_namespace(settings.secret()),
            resend_seconds=settings.resend_seconds,
            pressure=Pressure(jobs, settings.max_pending),
        ),
        follow=Follow(jobs, doorbell),
        erase=Erase(jobs, store, doorbell, seen.metrics),
        deliver=Deliver(store),
        health=Health(jobs, store, queue),
        instruments=seen,
        # Where the metrics have a port of their own, the API's shows none.
        exposition=None if settings.metrics_port else _exposition(settings, jobs),
    )


def for_worker(settings: Settings, seen_by: Instruments | None = None) -> Render:
    """The flow of a worker."""
    seen = seen_by or Instruments()
    return Render(
        engine=VipsEngine(settings.limits),
        store=_store(settings, seen),
        jobs=_jobs(settings),
        doorbell=_doorbell(settings),
        faults=_faults(settings),
        metrics=seen.metrics,
        lease_seconds=settings.lease_seconds,
        soft_seconds=settings.job_soft_seconds,
        hard_seconds=settings.job_hard_seconds,
        patience_seconds=settings.patience_seconds,
    )


def for_beat(settings: Settings, seen_by: Instruments | None = None) -> Sweep:
    """The flow of the beat."""
    seen = seen_by or Instruments()
    jobs, store, doorbell = _jobs(settings), _store(settings, seen), _doorbell(settings)
    return Sweep(
        jobs=jobs,
        queue=_queue(settings, seen),
        doorbell=doorbell,
        erase=Erase(jobs, store, doorbell, seen.metrics),
        orphans=Orphans(jobs, store),
        metrics=seen.metrics,
        max_attempts=settings.max_attempts,
        resend_seconds=settings.resend_seconds,
    )


def for_doctor(settings: Settings) -> Health:
    """The parts to be checked."""
    seen = Instruments()
    return Health(_jobs(settings), _store(settings, seen), _queue(settings, seen))


def for_scrapes(settings: Settings) -> Exposition | None:
    """What a process answers on the port of the metrics; None if there is none."""
    return _exposition(settings, _jobs(settings)) if settings.metrics_port else None


def _exposition(settings: Settings, jobs: JobStore) -> Exposition | None:
    folder = settings.metrics_folder
    return Exposition(folder, jobs.backlog) if folder else None


def _jobs(settings: Settings) -> JobStore:
    return SqlJobStore(settings.database, keep_seconds=settings.keep_days * _DAY_SECONDS, faults=_faults(settings))


def _store(settings: Settings, seen: Instruments) -> ObjectStore:
    return WatchedStore(FileStore(Path(settings.storage.removeprefix("file:"))), seen.metrics)


def _queue(settings: Settings, seen: Instruments) -> CeleryQueue:
    # What the worker needs to say in its log and trace which request it works for.
    return CeleryQueue(create_celery(settings), headers=lambda: bound("request_id", "key") | seen.tracing.carry())


def _doorbell(settings: Settings) -> RedisDoorbell:
    return RedisDoorbell(settings.broker, f"{settings.queue}:ended")


def _faults(settings: Settings) -> Faults:
    return from_setting(settings.faults, settings.data / "faults")
