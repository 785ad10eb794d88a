"""What the container image is made from. That it builds and runs shows deploy/check-image, which needs root."""

import re
import subprocess

import pytest

from tests.deploy.told import DEPLOY, ROOT

DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
LAST = DOCKERFILE.rpartition("\nFROM ")[2]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """What a list of requirements pins, and to which version."""
    return dict(PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


def test_what_is_shipped_is_what_is_tested() -> None:
    """The image has what everybody gets, and everything in it has the version that the tests run with."""
    shipped, tested = pins("production"), pins("dev")
    assert set(pins("runtime")) - set(pins("build")) <= set(shipped)
    assert shipped.items() <= tested.items()


@pytest.mark.parametrize("name", ["build", "production"])
def test_every_pin_has_hashes_and_no_place(name: str) -> None:
    """Nothing else can be slipped in, wherever the packages come from."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\w)", text) if PIN.match(entry))
    assert "://" not in text


def test_the_last_stage_builds_nothing() -> None:
    """It has what the stage before it made, a user who is not root, a check, and no installer."""
    assert "COPY --from=build" in LAST
    assert not re.search(r"\b(pip|apt-get|curl|gcc)\b", LAST)
    assert re.search(r"^USER \d+:\d+$", LAST, re.MULTILINE)
    assert 'CMD ["imagemill", "alive"]' in LAST
    assert re.search(r"^ENTRYPOINT \[", LAST, re.MULTILINE)


def test_the_builder_is_sent_what_is_copied() -> None:
    """.dockerignore lets through what the Dockerfile copies, and starts from nothing."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert "*" in lines
    assert {word for words in copied for word in words.split()} == {
        line.removeprefix("!") for line in lines if line.startswith("!")
    }


def test_the_script_that_builds_it_is_one() -> None:
    """Bash can read it."""
    checked = subprocess.run(["bash", "-n", DEPLOY / "check-image"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
