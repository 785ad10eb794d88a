"""The one place that picks adapters and puts the flows together. Builds, but starts and connects nothing."""

from dataclasses import dataclass, field

from imagemill import amqp
from imagemill.broker import CeleryQueue, create_celery
from imagemill.config import Settings
from imagemill.counter import SharedCounter
from imagemill.domain.identity import TokenIssuer
from imagemill.domain.job import token_namespace
from imagemill.domain.links import LinkSigner, link_key
from imagemill.domain.ports import Doorbell, Faults, ImageEngine, JobQueue, JobStore, ObjectStore, RequestCounter
from imagemill.doorbell.rabbit import RabbitDoorbell
from imagemill.doorbell.redis import RedisDoorbell
from imagemill.engine import pillow
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
from imagemill.flow.plan import Plan
from imagemill.flow.pressure import Bounds, Pressure
from imagemill.flow.quota import Quota
from imagemill.flow.render import Render
from imagemill.flow.sweep import Sweep
from imagemill.jobs.access import Access
from imagemill.jobs.apikeys import SqlKeyStore
from imagemill.jobs.store import SqlJobStore
from imagemill.observability.exposition import Exposition
from imagemill.observability.instruments import Instruments
from imagemill.observability.logs import bound
from imagemill.observability.watched import WatchedStore
from imagemill.storage.places import create_store

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
    quota: Quota
    plan: Plan
    counter: RequestCounter
    instruments: Instruments = field(default_factory=Instruments)
    exposition: Exposition | None = None


def for_web(settings: Settings, seen_by: Instruments | None = None) -> WebServices:
    """The flows of the API.

    Args:
        seen_by: the instruments of this process; left out, none, here and below.
    """
    seen = seen_by or Instruments()
    jobs, store, doorbell = _jobs(settings), _store(settings, seen), _doorbell(settings)
    queue, quota = _queue(settings, seen), Quota(jobs)
    engine = create_engine(settings)
    return WebServices(
        settings=settings,
        admission=Admission(RecentKeys(_keys(settings), settings.auth_cache_seconds), for_issuer(settings)),
        intake=Intake(
            engine=engine,
            store=store,
            jobs=jobs,
            queue=queue,
            faults=_faults(settings),
            metrics=seen.metrics,
            limits=settings.limits,
            namespace=token_namespace(settings.secret()),
            resend_seconds=settings.resend_seconds,
            pressure=Pressure(jobs, _bounds(settings)),
            quota=quota,
        ),
        follow=Follow(jobs, doorbell),
        erase=Erase(jobs, store, doorbell, seen.metrics),
        deliver=create_deliver(settings, store),
        health=Health(jobs, store, queue),
        quota=quota,
        plan=Plan(engine, jobs, settings.limits, quota),
        counter=_counter(settings),
        instruments=seen,
        # Where the metrics have a port of their own, the API's shows none.
        exposition=None if settings.metrics_port else _exposition(settings, jobs),
    )


def for_worker(settings: Settings, seen_by: Instruments | None = None) -> Render:
    """The flow of a worker."""
    seen = seen_by or Instruments()
    pillow.prepare()
    return Render(
        engine=create_engine(settings),
        store=_store(settings, seen),
        # A worker has nothing better to do than to wait for the database, until the job is another's.
        jobs=_jobs(settings, patience_seconds=min(settings.lease_seconds, settings.job_soft_seconds / 3)),
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
        keep_originals_seconds=settings.keep_originals_days and settings.keep_originals_days * _DAY_SECONDS,
    )


def create_record(settings: Settings) -> JobStore:
    """The record by itself, for who checks one part and must not stumble over another."""
    return _jobs(settings)


def create_queue(settings: Settings) -> JobQueue:
    """The queue by itself."""
    return _queue(settings, Instruments())


def create_engine(settings: Settings) -> ImageEngine:
    """The engine, by itself or for a flow."""
    return VipsEngine(settings.limits, settings.taken)


def for_scrapes(settings: Settings) -> Exposition | None:
    """What a process answers on the port of the metrics; None if there is none."""
    return _exposition(settings, _jobs(settings)) if settings.metrics_port else None


def _exposition(settings: Settings, jobs: JobStore) -> Exposition | None:
    folder = settings.metrics_folder
    return Exposition(folder, jobs.backlog) if folder else None


def create_deliver(settings: Settings, store: ObjectStore) -> Deliver:
    """How outputs reach those who ask, over any store."""
    return Deliver(
        store,
        redirect=settings.delivery == "redirect",
        cdn_url=settings.cdn_url,
        signer=LinkSigner(link_key(settings.secret())) if settings.images == "signed" else None,
        link_seconds=settings.link_seconds,
    )


def for_keys(settings: Settings) -> Keyring:
    """What an operator does with keys."""
    return Keyring(_keys(settings))


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


def _jobs(settings: Settings, patience_seconds: float = 0.0) -> JobStore:
    access = _access(settings, patience_seconds)
    keep_seconds = settings.keep_days * _DAY_SECONDS
    return SqlJobStore(settings.database, keep_seconds=keep_seconds, faults=_faults(settings), access=access)


def _keys(settings: Settings) -> SqlKeyStore:
    return SqlKeyStore(settings.database, access=_access(settings))


def _access(settings: Settings, patience_seconds: float = 0.0) -> Access:
    return Access(
        timeout_seconds=settings.database_timeout_seconds,
        pool_size=settings.database_pool_size,
        recycle_seconds=settings.database_recycle_seconds,
        patience_seconds=patience_seconds,
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(settings.max_pending, settings.max_pending_seconds, settings.max_pending_per_owner)


def _counter(settings: Settings) -> RequestCounter:
    return SharedCounter(settings.broker, settings.queue)


def _store(settings: Settings, seen: Instruments) -> ObjectStore:
    return WatchedStore(create_store(settings), seen.metrics)


def _queue(settings: Settings, seen: Instruments) -> CeleryQueue:
    # What the worker needs to say in its log and trace which request it works for.
    return CeleryQueue(create_celery(settings), headers=lambda: bound("request_id", "key") | seen.tracing.carry())


def _doorbell(settings: Settings) -> Doorbell:
    kind = RabbitDoorbell if amqp.spoken(settings.broker) else RedisDoorbell
    return kind(settings.broker, f"{settings.queue}:ended")


def _faults(settings: Settings) -> Faults:
    return from_setting(settings.faults, settings.data / "faults")
