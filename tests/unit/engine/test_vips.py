"""The adapter: what it lets in, whose fault an error is, and that it never hangs."""

import subprocess
import sys
from unittest.mock import patch

import pytest
import pyvips

from imagemill.domain.formats import ImageFormat
from imagemill.engine import pipeline, vips
from imagemill.engine.cutting import shrink_on_load
from imagemill.errors import CorruptImage, MemoryLimitExceeded, RenderFailed
from tests import images
from tests.unit.engine.rendering import render


def run(script: str) -> str:
    """What a script prints in a fresh process, after the names that all of these scripts use."""
    start = (
        "import os, resource, sys\n"
        "from imagemill.domain.limits import Limits\n"
        "from imagemill.domain.recipe import Recipe\n"
        "from imagemill.engine.pipeline import VipsEngine\n"
        "from imagemill.errors import ImagemillError\n"
        "from tests import images\n"
        "engine = VipsEngine(Limits(2**30, 10**8, 10**8, 1000))\n"
    )
    command = [sys.executable, "-c", start + script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_only_the_loaders_of_served_formats_are_open() -> None:
    """Whoever reaches libvips by another way finds SVG, CSV, matrices, raw and vips files, and all paths blocked."""
    render(images.photo_jpeg(16, 16))
    for loader in ("svgload", "csvload", "matrixload", "rawload", "vipsload", "uhdrload", "jpegload", "pngload"):
        arguments = ("/dev/null", 1, 1, 1) if loader == "rawload" else ("/dev/null",)
        with pytest.raises(pyvips.Error, match="blocked"):
            pyvips.Operation.call(loader, *arguments)
    for loader in ("svgload_buffer", "uhdrload_buffer", "gifload_buffer"):
        with pytest.raises(pyvips.Error, match="blocked"):
            pyvips.Operation.call(loader, b"x")


def test_one_thread_and_no_cache() -> None:
    """The service runs as many jobs as it has cores; a second thread in each would only get in the way."""
    render(images.photo_jpeg(16, 16))
    assert pyvips.concurrency_get() == 1
    assert pyvips.vips_lib.vips_cache_get_max() == 0


def test_no_warning_of_libvips_ends_the_process() -> None:
    """Pictures are freed whenever Python collects its garbage, and have warnings left; in a logger that is fatal."""
    script = (
        "import gc, logging\n"
        "from imagemill.domain.formats import ImageFormat\n"
        "from imagemill.engine import vips\n"
        "from imagemill.errors import CorruptImage\n"
        "class Collecting(logging.Handler):\n"
        "    def emit(self, record):\n"
        "        gc.collect()\n"
        "logging.getLogger('pyvips').addHandler(Collecting(logging.WARNING))\n"
        "jpeg, png = images.photo_jpeg(24, 16), bytearray(images.encoded(ImageFormat.PNG, 24, 16))\n"
        "start = jpeg.index(b'\\xff\\xdb')\n"
        "ring = [vips.open(jpeg[:start] + bytes(9) + jpeg[start:], ImageFormat.JPEG)]\n"
        "ring.append(ring)\n"
        "del ring\n"
        "png[png.index(b'IDAT') + 9] ^= 255\n"
        "try:\n"
        "    vips.in_memory(vips.open(bytes(png), ImageFormat.PNG))\n"
        "except CorruptImage as error:\n"
        "    print(repr(error.__cause__))\n"
    )
    assert run(script) == "LibvipsError('vipspng: libpng read error')"


def test_a_fork_after_use_raises_where_it_would_hang() -> None:
    """libvips' threads are not in the child; the child is told so instead of waiting for them for ever."""
    script = (
        "data = images.photo_jpeg(400, 300)\n"
        "next(engine.render(data, Recipe.parse({})))\n"
        "if os.fork() == 0:\n"
        "    try:\n"
        "        VipsEngine(Limits(2**30, 10**8, 10**8, 1000)).probe(data)\n"
        "    except RuntimeError as error:\n"
        "        print('child:', error, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    assert "used before this process was forked" in run(script)


def test_a_fork_before_use_is_fine() -> None:
    """Importing and building the engine is not using it."""
    script = (
        "if os.fork() == 0:\n"
        "    print(next(engine.render(images.photo_jpeg(400, 300), Recipe.parse({}))).size, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    assert run(script) == "Size(width=100, height=100)"


def test_too_little_memory_is_not_the_images_fault() -> None:
    """Under a limit on address space the error says memory, and is one that may be tried again."""
    script = (
        "data = images.encoded(images.ImageFormat.WEBP, 2000, 1500)\n"
        "engine.probe(images.encoded(images.ImageFormat.WEBP, 16, 16))\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * os.sysconf('SC_PAGE_SIZE')\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**22, used + 2**22))\n"
        "try:\n"
        "    next(engine.render(data, Recipe.parse({'width': 2000})))\n"
        "except ImagemillError as error:\n"
        "    print(error.code)\n"
    )
    assert run(script) == "memory-limit-exceeded"


@pytest.mark.parametrize(
    "words",
    [
        "vips_tracked: out of memory -- size == 45MB\n",
        "VipsJpeg: Insufficient memory (case 4)\n",
        "heif: Memory allocation error: Unspecified (6.0)\n",
        "webpsave: failed to allocate 36000000 bytes\n",
        "glib: Error creating thread: Resource temporarily unavailable\n",
    ],
)
def test_words_for_too_little_memory(words: str) -> None:
    """Each codec has its own words for it."""
    image = vips.open(images.photo_jpeg(16, 16), ImageFormat.JPEG)
    failure = pyvips.Error("unable to copy to memory", words)
    with patch.object(pyvips.Image, "copy_memory", side_effect=failure), pytest.raises(MemoryLimitExceeded):
        vips.in_memory(image)


@pytest.mark.parametrize(
    "words",
    [
        "heif: Memory allocation error: Security limit exceeded: Box size 7597122205431889920 exceeds security limit\n",
        'tiff2vips: Out of memory reading of "BitsPerSample"\n',
        "tiff2vips: Failed to allocate memory for to read TIFF directory (0 elements of 12 bytes each)\n",
        "gifload: bad image dimensions\ngifload_source: Out of memory\n",
        "VipsJpeg: premature end of JPEG image\n",
    ],
)
def test_words_for_a_damaged_file(words: str) -> None:
    """A file that asks for absurd amounts is damaged; trying it again would not help."""
    image = vips.open(images.photo_jpeg(16, 16), ImageFormat.JPEG)
    failure = pyvips.Error("unable to copy to memory", words)
    with patch.object(pyvips.Image, "copy_memory", side_effect=failure), pytest.raises(CorruptImage):
        vips.in_memory(image)


def test_an_encoder_that_refuses_is_our_fault() -> None:
    """What fails after the pixels were read is no damage of the image."""
    too_wide = vips.in_memory(vips.open(images.photo_png(20_000, 1), ImageFormat.PNG))
    with pytest.raises(RenderFailed):
        vips.encode(too_wide, "webpsave_buffer", {"Q": 80})


def test_a_mistake_of_ours_is_not_called_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that asks libvips for the impossible fails as itself, with its traceback, and blames no image."""
    monkeypatch.setattr(pipeline, "STEPS", (lambda image, _: image.crop(10, 10, 100, 100),))
    with pytest.raises(pyvips.Error, match="bad extract area"):
        render(images.photo_jpeg(16, 16))


@pytest.mark.parametrize(
    ("format", "reduction", "shrink"),
    [
        (ImageFormat.JPEG, 1, 1),
        (ImageFormat.JPEG, 3.49, 1),
        (ImageFormat.JPEG, 3.5, 2),
        (ImageFormat.JPEG, 7, 4),
        (ImageFormat.JPEG, 100, 8),
        (ImageFormat.WEBP, 20, 8),
        (ImageFormat.PNG, 20, 1),
        (ImageFormat.AVIF, 20, 1),
    ],
)
def test_codecs_shrink_but_leave_enough_for_a_better_filter(format: ImageFormat, reduction: float, shrink: int) -> None:
    """JPEG and WebP are opened smaller, by a power of two, with at least 1.75 times the pixels needed left."""
    assert shrink_on_load(format, reduction) == shrink
