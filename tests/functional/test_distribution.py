"""What a release ships: a wheel and an sdist that hold everything, and run where the checkout is not."""

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from sysconfig import get_path
from zipfile import ZipFile

import pytest

from tests.functional.running import Service
from tests.images import opened, photo_jpeg

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from flit_core.buildapi import *; build_sdist(sys.argv[1]); build_wheel(sys.argv[1])"


def build(source: Path, folder: Path) -> tuple[Path, Path]:
    """Wheel and sdist of a source tree, by the pinned tool and nothing else."""
    told = os.environ | {"SOURCE_DATE_EPOCH": "1800000000"}
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=source, env=told, check=True, timeout=60)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and sdist of this checkout."""
    return build(ROOT, tmp_path_factory.mktemp("built"))


def test_the_wheel_holds_all_of_the_source(built: tuple[Path, Path]) -> None:
    """Modules, migrations and every other file under `src`; not a test, and not what Python left there."""
    source = ROOT / "src"
    files = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name and ".egg-info" not in name}
    with ZipFile(built[0]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == files
    assert any(name.startswith("imagemill/jobs/migrations/versions/") for name in packed)


def test_the_sdist_makes_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Whoever builds from it gets what was released, byte for byte: the wheel can be checked."""
    wheel, sdist = built
    with tarfile.open(sdist) as archive:
        # Python 3.11.2, which Debian 12 has, takes no `filter`; later ones warn of its lack.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)
    (tree,) = tmp_path.iterdir()
    assert {"LICENSE", "README.md", "CHANGELOG.md", "requirements"} <= {path.name for path in tree.iterdir()}
    again, _ = build(tree, tmp_path / "again")
    assert again.read_bytes() == wheel.read_bytes()


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`imagemill` of the wheel in a fresh environment that sees the pinned packages, but not the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", built[0]], check=True, timeout=120)
    # What a folder on the path has in .pth files is not followed: the checkout, which is installed by one, stays out.
    pinned = [line for line in sys.path if line.endswith("site-packages")] or [get_path("purelib")]
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "pinned.pth").write_text("\n".join(pinned))
    return folder / "bin" / "imagemill"


def test_what_is_installed_is_the_wheel(installed: Path) -> None:
    """The program helps, and runs the wheel's code."""
    told = subprocess.run([installed, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert "up" in told.stdout
    look = "import imagemill; print(imagemill.__file__)"
    python = installed.with_name("python")
    found = subprocess.run([python, "-P", "-c", look], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.startswith(str(installed.parents[1]))


def test_what_is_installed_works(installed: Path, tmp_path: Path) -> None:
    """`imagemill up` makes its database by the wheel's migrations and takes an image all the way."""
    with Service(tmp_path, [installed], api_processes=1, worker_concurrency=1) as service:
        job = service.client.ended(service.client.accepted(photo_jpeg(64, 48), width=32))
        assert opened(service.client.image(job)).size == (32, 24)
