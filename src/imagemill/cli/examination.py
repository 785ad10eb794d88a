"""What the doctor looks at: each part that the service stands on, and how to mend it. Changes nothing."""

# ruff: noqa: PLC0415 - the adapters are slow to import, and commands that only show help do not need them

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from imagemill.cli import sample
from imagemill.cli.address import ask, exposure, require_free
from imagemill.cli.entry import check_issuer, check_keys
from imagemill.cli.finding import Finding, Verdict
from imagemill.cli.services import check_carriers, check_database, not_set_up
from imagemill.cli.stores import check_store, store_folders, unless_full
from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.recipe import Recipe
from imagemill.errors import ConfigurationError, ImagemillError

if TYPE_CHECKING:
    from imagemill.config import Settings

_ENOUGH_FILES = 1024
_ENOUGH_BYTES = 2**30
_EARLIEST_YEAR = 2025
_FOLDER_REMEDY = "Give this user the right to write there, or name another folder in IMAGEMILL_DATA."


def examine(settings: "Settings") -> Iterator[Finding]:
    """Check every part, the ones that others stand on first."""
    yield Finding("settings", Verdict.OK, f"profile {settings.profile}")
    for check in _CHECKS:
        yield from check(settings)


def check_folder(settings: "Settings") -> Iterator[Finding]:
    """The data folder takes a file and carries it to the disk."""
    if not os.path.lexists(settings.data):
        yield not_set_up("folder", settings.data, "`imagemill up`", _FOLDER_REMEDY)
        return
    try:
        began = time.monotonic()
        with tempfile.NamedTemporaryFile(dir=settings.data, prefix="doctor-") as file:
            file.write(b"imagemill")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        detail = f"{settings.data} cannot be written: {error.strerror}"
        yield Finding("folder", Verdict.FAIL, detail, unless_full(error, _FOLDER_REMEDY))
    else:
        milliseconds = (time.monotonic() - began) * 1000
        yield Finding(
            "folder", Verdict.OK, f"{settings.data} is writable; one write to disk takes {milliseconds:.1f} ms"
        )


def check_engine(settings: "Settings") -> Iterator[Finding]:
    """libvips loads, and what it writes in each format it also reads."""
    from imagemill import wiring

    written = [format for format in ImageFormat if FACTS[format].writable]
    recipe = Recipe.parse({"outputs": [{"format": format.value} for format in written]})
    try:
        # With the sample's own format, whatever else is taken in.
        sampled = settings.model_copy(update={"input_formats": f"{settings.input_formats},png"})
        engine = wiring.create_engine(sampled)
        for rendered in engine.render(sample.PNG, recipe):
            if rendered.format in settings.taken:
                engine.probe(rendered.data)
    except (ImportError, OSError, ImagemillError) as error:
        yield Finding(
            "libvips", Verdict.FAIL, str(error), "Install the pinned packages again: `make clean`, `make up`."
        )
    else:
        yield Finding("libvips", Verdict.OK, f"reads {', '.join(settings.taken)}; writes {', '.join(written)}")


def check_port(settings: "Settings") -> Iterator[Finding]:
    """The port is free, or it is imagemill that listens on it."""
    where = f"{settings.host}:{settings.port}"
    try:
        require_free(settings.host, settings.port)
    except ConfigurationError as error:
        answer = ask(settings.host, settings.port, "/healthz")
        if answer is not None and b'"alive"' in answer[1]:
            yield Finding("port", Verdict.OK, f"{where}: imagemill answers on it")
        else:
            yield Finding("port", Verdict.FAIL, f"{where} cannot be listened on", error.detail)
    else:
        yield Finding("port", Verdict.OK, f"{where} is free")


def check_files(_: "Settings") -> Iterator[Finding]:
    """A process may hold enough files and connections open."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < _ENOUGH_FILES:
        yield Finding("open files", Verdict.WARN, f"at most {limit}", f"Raise the limit: ulimit -n {min(most, 4096)}")
    else:
        yield Finding("open files", Verdict.OK, f"at most {limit}")


def check_access(settings: "Settings") -> Iterator[Finding]:
    """Only those who may use the API reach it."""
    if (warning := exposure(settings)) is None:
        yield Finding("access", Verdict.OK, f"listens on {settings.host}")
    else:
        remedy = "Set IMAGEMILL_AUTH to required and make keys (`imagemill keys create`), or listen on 127.0.0.1."
        yield Finding("access", Verdict.WARN, warning, remedy)


def check_disk(settings: "Settings") -> Iterator[Finding]:
    """There is room where the record and where the images lie."""
    seen = set()
    for part, folder in (("disk", settings.data), *(("store disk", folder) for folder in store_folders(settings))):
        if not folder.is_dir() or (disk := folder.stat().st_dev) in seen:
            continue
        seen.add(disk)
        free = shutil.disk_usage(folder).free
        detail = f"{free / 2**30:.1f} GiB are free in {folder}"
        if free < _ENOUGH_BYTES:
            yield Finding(part, Verdict.WARN, detail, "Make room; POST answers 503 when the disk is full.")
        else:
            yield Finding(part, Verdict.OK, detail)


def check_clock(_: "Settings") -> Iterator[Finding]:
    """The clock tells a time that can be."""
    now = time.gmtime()
    detail = time.strftime("%Y-%m-%d %H:%M:%S UTC", now)
    if now.tm_year < _EARLIEST_YEAR:
        yield Finding("clock", Verdict.WARN, detail, "Set the clock; jobs are kept and leases end by it.")
    else:
        yield Finding("clock", Verdict.OK, detail)


_CHECKS: tuple[Callable[["Settings"], Iterator[Finding]], ...] = (
    check_folder,
    check_database,
    check_store,
    check_carriers,
    check_engine,
    check_port,
    check_access,
    check_keys,
    check_issuer,
    check_files,
    check_disk,
    check_clock,
)
