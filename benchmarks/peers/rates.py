"""Images per second, end to end: from a request on a socket to the bytes of the image in the client's hands.

For the service that is a POST with the image, a durable job and a GET of each output; a peer is asked for each image by
a GET and reads the source from a local folder. So the service alone pays for uploads and for what it writes to disk.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit

from benchmarks.client import Address, Connection, UnexpectedAnswer, drive
from benchmarks.end_to_end import CONNECTIONS, Costs
from benchmarks.peers.servers import IPX, PEERS, THUMBOR, Peer
from benchmarks.peers.sources import as_of_a_phone, encoded, numbered
from benchmarks.plan import Fresh, Plan
from benchmarks.reference import ratios
from benchmarks.report import Figure, Goal
from benchmarks.service import Service, finish
from benchmarks.widths import WIDTHS
from imagemill.domain.formats import ImageFormat
from imagemill.engine import vips

SIDE = 512
"""The longest side of an output, as in the benchmark that imgproxy has published."""

_ALIKE = 1.25
"""How many times larger one side may be where both are told to code alike: scaling differs, and so does libaom."""

_PHONE = " of Display P3"
_SET_FORMATS = ("jpeg", "webp")
_URL = re.compile(rb'"url": ?"([^"]+)"')
_SINGLE = {IPX.name: Goal("ratio", least=0.9), THUMBOR.name: Goal("ratio", least=1)}
_SET = {IPX.name: Goal("ratio", least=2)}


@dataclass(frozen=True)
class Target:
    """What is asked of both sides.

    Args:
        name: of the figure.
        format: of the source.
        source: its bytes.
        fresh: the same picture in files that the service has never seen.
        options: of the job.
        outputs: longest sides (height 0 for any) and format of each image, as a peer is asked for them.
    """

    name: str
    format: str
    source: bytes
    fresh: Fresh
    options: str
    outputs: tuple[tuple[int, int, str], ...]

    @property
    def single(self) -> bool:
        """Whether one image is asked for."""
        return len(self.outputs) == 1


def measure(plan: Plan) -> Iterator[Figure]:
    """Each format at 512 × 512 and a responsive set, against each peer: coding alike, then each one's defaults.

    Coding alike they are measured twice, the second time with pictures that carry a profile.
    """
    plain, phone = [*_singles(plan), _responsive(plan)], [*_singles(plan, phone=True), _responsive(plan, phone=True)]
    folder = plan.folder / "pictures"
    folder.mkdir()
    for target in plain + phone:
        _path(folder, target).write_bytes(target.source)
    with Service(plan.folder) as service:
        for peer in PEERS:
            if not peer.installed:
                print(f"{peer.name} is not installed: make bench-peers", flush=True)
                continue
            for alike, targets in ((True, plain + phone), (False, plain)):
                match = _Match(plan, service, peer, folder, alike)
                yield from map(match.run, targets)


def _singles(plan: Plan, *, phone: bool = False) -> Iterator[Target]:
    source = plan.jpeg(3)
    for format, file in encoded(as_of_a_phone(source) if phone else source).items():
        name = f"{format} to {SIDE} × {SIDE}{_PHONE * phone}"
        options = f"width={SIDE}&height={SIDE}&fit=inside&format={format}"
        yield Target(name, format, file, Fresh(numbered(file, format)), options, ((SIDE, SIDE, format),))


def _responsive(plan: Plan, *, phone: bool = False) -> Target:
    outputs = [(width, 0, format) for width in WIDTHS for format in _SET_FORMATS]
    options = json.dumps([{"width": width, "format": format} for width, _, format in outputs])
    source = as_of_a_phone(plan.jpeg(6)) if phone else plan.jpeg(6)
    name = f"responsive set{_PHONE * phone}"
    return Target(name, "jpeg", source, Fresh(source), "outputs=" + quote(options), tuple(outputs))


@dataclass(frozen=True)
class _Match:
    """Service and peer, side by side.

    Args:
        plan: how long, how often.
        service: runs already.
        peer: is started for each target, and ended after it.
        folder: with the sources.
        alike: whether the peer's encoders are told to do what the service's do, or left as they are.
    """

    plan: Plan
    service: Service
    peer: Peer
    folder: Path
    alike: bool

    def run(self, target: Target) -> Figure:
        """Let them take turns at one target."""
        ours, theirs = partial(_ours, target), partial(_theirs, self._paths(target))
        # A set takes seconds, and so does sharp's AVIF by default: a short window would count to three.
        seconds = self.plan.seconds * (3 if target.format == "avif" or not target.single else 1)
        with self.peer.serving(self.folder, self.peer.alike if self.alike else {}) as servers:
            kilobytes = self._kilobytes(target, _once(self.service.address, ours), _once(servers.addresses[0], theirs))
            costs, peers_costs = Costs(self.service), Costs(servers)
            peers_rates: list[float] = []

            def serve() -> float:
                return _drive([self.service.address], seconds, ours, costs)

            def serve_theirs() -> float:
                peers_rates.append(_drive(servers.addresses, seconds, theirs, peers_costs))
                return peers_rates[-1]

            rounds = self.plan.rounds if self.peer is IPX else self.plan.few
            reached, relative = ratios(rounds, serve, serve_theirs)
        details = {f"{self.peer.name} /s": median(peers_rates)} | kilobytes | costs.per_job()
        details[f"{self.peer.name} ms"] = peers_costs.per_job()[f"{self.peer.name} ms"]
        name = f"{target.name}, {'alike' if self.alike else 'defaults'}"
        return Figure(name, median(reached), "/s", relative, self.peer.name, self._goal(target), details)

    def _goal(self, target: Target) -> Goal | None:
        return (_SINGLE if target.single else _SET).get(self.peer.name) if self.alike else None

    def _paths(self, target: Target) -> list[str]:
        return [self.peer.target(_path(self.folder, target).name, *output) for output in target.outputs]

    def _kilobytes(self, target: Target, ours: list[bytes], theirs: list[bytes]) -> dict[str, float]:
        """What both sides have made, once it is sure that it is the same."""
        _check_same(target, ours, theirs)
        made, peers = sum(map(len, ours)) / 1e3, sum(map(len, theirs)) / 1e3
        if self.alike and not 1 / _ALIKE < made / peers < _ALIKE:
            raise UnexpectedAnswer(f"{target.name}: {made:.0f} KB and {peers:.0f} KB are not coded alike")
        return {"KB": made, f"{self.peer.name} KB": peers}


def _ours(target: Target, connection: Connection) -> list[bytes]:
    media_type = b"Content-Type: image/%b\r\n" % target.format.encode()
    body = finish(connection, target.options, *target.fresh(), headers=media_type)
    return [_image(connection, urlsplit(url.decode()).path) for url in _URL.findall(body)]


def _theirs(paths: list[str], connection: Connection) -> list[bytes]:
    return [_image(connection, path) for path in paths]


def _path(folder: Path, target: Target) -> Path:
    return folder / f"{target.name.split(',')[0].replace(' ', '-').replace('×', 'x')}.{target.format}"


def _drive(addresses: list[Address], seconds: float, work: Callable[[Connection], object], costs: Costs) -> float:
    clients = islice(cycle(addresses), CONNECTIONS)
    load = drive(clients, seconds, work, opened=costs.start, closed=costs.stop)
    costs.jobs += load.requests
    return load.rate


def _once(address: Address, work: Callable[[Connection], list[bytes]]) -> list[bytes]:
    with Connection(address) as connection:
        return work(connection)


def _image(connection: Connection, path: str) -> bytes:
    status, body = connection.get(path.encode())
    if status != 200:
        raise UnexpectedAnswer(f"no image at {path}: {status} {body[:300]!r}")
    return body


def _check_same(target: Target, ours: list[bytes], theirs: list[bytes]) -> None:
    for one, other, (_, _, format) in zip(ours, theirs, target.outputs, strict=True):
        mine, yours = (vips.open(file, ImageFormat(format)) for file in (one, other))
        # A pixel more or less is how a side is rounded.
        alike = abs(mine.width - yours.width) <= 1 and abs(mine.height - yours.height) <= 1
        if not alike or mine.bands != yours.bands:
            raise UnexpectedAnswer(f"{target.name}: the two sides made different images of {format}")
