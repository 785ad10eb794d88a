"""The comparison with peers: what has to hold for it to be one."""

import json
import re
from itertools import islice
from pathlib import Path

import pytest
import pyvips

from benchmarks.peers import servers, sources
from imagemill.domain.formats import ImageFormat
from imagemill.engine import vips

PEERS = Path(servers.__file__).parent


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif"])
def test_numbered_files_differ_in_bytes_and_not_in_pixels(format: str) -> None:
    """Each file is new to the service, and the work in it is the same; every loader takes what was added."""
    jpeg = bytes((pyvips.Image.xyz(48, 32).cast("uchar").bandjoin(90)).copy(interpretation="srgb").jpegsave_buffer())
    file = sources.encoded(jpeg)[format]
    one, other = (b"".join(parts) for parts in islice(sources.numbered(file, format), 2))
    assert len({file, one, other}) == 3
    plain, first, second = (
        vips.in_memory(vips.open(data, ImageFormat(format))).write_to_memory() for data in (file, one, other)
    )
    assert plain == first == second


def test_peers_are_pinned_and_name_no_host() -> None:
    """A run tomorrow compares with the same programs, from whichever registry the machine uses."""
    lock = (PEERS / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    fetched = [facts for name, facts in packages.items() if name and "inBundle" not in facts]
    assert all("integrity" in facts and "resolved" not in facts for facts in fetched)
    asked = json.loads((PEERS / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
    pinned = (PEERS / "thumbor.txt").read_text()
    assert len(re.findall(r"^\S+==", pinned, re.MULTILINE)) == len(
        re.findall(r"^\S+==\S+ \\\n +--hash=", pinned, re.MULTILINE)
    )


def test_peers_are_told_a_coding_for_every_format() -> None:
    """A format that was forgotten would be compared with the peer's defaults in silence."""
    assert all(set(peer.alike) == {"jpeg", "png", "webp", "avif"} for peer in servers.PEERS)
