"""The one place that picks adapters and puts the flows together. Builds, but starts and connects nothing."""

from dataclasses import dataclass
from pathlib import Path

from imagemill.broker import CeleryQueue, create_celery
from imagemill.config import Settings
from imagemill.domain.identity import TokenIssuer
from imagemill.domain.job import token_namespace
from imagemill.domain.ports import Faults, JobStore, ObjectStore
from imagemill.doorbell import RedisDoorbell
from imagemill.engine.pipeline import VipsEngine
from imagemill.errors import ConfigurationError
from imagemill.faults import from_setting
from imagemill.flow.admission import Admission, RecentKeys
from imagemill.flow.deliver import Deliver
from imagemill.flow.erase import Erase
from imagemill.flow.follow import Follow
from imagemill.flow.health import Health
from imagemill.flow.intake import Intake
from imagemill.flow.keyring import Keyring
from imagemill.flow.orphans import Orphans
from imagemill.flow.pressure import Pressure
from imagemill.flow.render import Render
from imagemill.flow.sweep import Sweep
from imagemill.jobs.apikeys import SqlKeyStore
from imagemill.jobs.store import SqlJobStore
from imagemill.storage.files import FileStore

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class WebServices:
    """What the API uses."""

    settings: Settings
    admission: Admission
    intake: Intake
    follow: Follow
    erase: Erase
    deliver: Deliver
    health: Health


def for_web(settings: Settings) -> WebServices:
    """The flows of the API."""
    jobs, store, doorbell, queue = _jobs(settings), _store(settings), _doorbell(settings), _queue(settings)
    return WebServices(
        settings=settings,
        admission=Admission(
            RecentKeys(SqlKeyStore(settings.database), settings.auth_cache_seconds), for_issuer(settings)
        ),
        intake=Intake(
            engine=VipsEngine(settings.limits),
            store=store,
            jobs=jobs,
            queue=queue,
            faults=_faults(settings),
            limits=settings.limits,
            namespace=token_namespace(settings.secret()),
            resend_seconds=settings.resend_seconds,
            pressure=Pressure(jobs, settings.max_pending),
        ),
        follow=Follow(jobs, doorbell),
        erase=Erase(jobs, store, doorbell),
        deliver=Deliver(store),
        health=Health(jobs, store, queue),
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


def for_keys(settings: Settings) -> Keyring:
    """What an operator does with keys."""
    return Keyring(SqlKeyStore(settings.database))


def for_issuer(settings: Settings) -> TokenIssuer | None:
    """Who else says who asks; None if nobody does. Raises ConfigurationError if what it takes is not installed."""
    if not (settings.oidc_issuer and settings.oidc_audience):
        return None
    # Slow to import, and an extra.
    try:
        from imagemill.oidc.issuer import OidcIssuer  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("IMAGEMILL_OIDC_ISSUER needs more: pip install 'imagemill[oidc]'") from error

    return OidcIssuer(
        settings.oidc_issuer, settings.oidc_audience, settings.oidc_scopes_claim, settings.oidc_scopes_prefix
    )


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
