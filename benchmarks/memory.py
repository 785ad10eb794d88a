"""Peak resident memory: of a worker's child on large images, of the API under large uploads."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from benchmarks.client import Connection, UnexpectedAnswer
from benchmarks.images import photo
from benchmarks.plan import Fresh, Plan
from benchmarks.report import Figure, Goal
from benchmarks.service import Service, finish

UPLOADS = 16
_UPLOAD_QUALITY = 93
"""At which the photograph of 100 MP has 30 MB."""
_MEGABYTE = 1e6
_TARGET = b"/api/v1/resize"
_LONGEST_SECONDS = 120

Body = tuple[bytes, bytes]
"""A request's headers and its body."""


def measure(plan: Plan) -> Iterator[Figure]:
    """A worker's child at 24 MP and 100 MP, then 16 uploads of 30 MB at once, raw and as JSON."""
    with Service(plan.folder, workers=1) as service:
        yield from _worker(service, {24: photo(24), 100: photo(100)}, photo(1))
        service.freeze_worker()
        largest = photo(100, quality=_UPLOAD_QUALITY)
        yield _uploads(service, "raw", largest, _raw)
        yield _uploads(service, "JSON base64", largest, _json)


def _worker(service: Service, jpegs: dict[int, bytes], small: bytes) -> Iterator[Figure]:
    with Connection(service.address) as connection:
        finish(connection, "width=720", small)
        children = [process for process in service.processes("worker") if process.child]
        child = max(children, key=lambda process: process.resident_bytes)  # the other one only keeps semaphores
        idle = child.resident_bytes / _MEGABYTE
        for megapixels, jpeg in jpegs.items():
            child.reset_peak()
            finish(connection, "width=720", jpeg)
            yield Figure(
                f"worker child at {megapixels} MP",
                child.peak_bytes / _MEGABYTE,
                "MB",
                goal=Goal("figure", most=200),
                details={"idle MB": idle, "source MB": len(jpeg) / _MEGABYTE},
            )


def _uploads(service: Service, name: str, jpeg: bytes, body: Callable[[bytes], Body]) -> Figure:
    fresh, together = Fresh(jpeg), Barrier(UPLOADS)
    bodies = [body(b"".join(fresh())) for _ in range(UPLOADS)]
    api = [process for process in service.processes("api") if process.child]
    before = sum(process.resident_bytes for process in api) / _MEGABYTE
    for process in api:
        process.reset_peak()

    def upload(request: Body) -> int:
        headers, data = request
        with Connection(service.address, _LONGEST_SECONDS) as connection:
            together.wait(_LONGEST_SECONDS)
            status, _ = connection.post(_TARGET, data, headers=headers)
        return status

    with ThreadPoolExecutor(UPLOADS) as pool:
        statuses = list(pool.map(upload, bodies))
    if set(statuses) != {202}:
        raise UnexpectedAnswer(f"large uploads were answered with {sorted(statuses)}")
    return Figure(
        f"API at {UPLOADS} uploads, {name}",
        sum(process.peak_bytes for process in api) / _MEGABYTE,
        f"MB in {len(api)} processes",
        details={"before MB": before, "body MB": len(bodies[0][1]) / _MEGABYTE},
    )


def _raw(image: bytes) -> Body:
    return b"Content-Type: image/jpeg\r\n", image


def _json(image: bytes) -> Body:
    # Not 720 wide as before, so that the same image makes another job.
    return b"Content-Type: application/json\r\n", b'{"width": 640, "imageData": "%b"}' % b64encode(image)
