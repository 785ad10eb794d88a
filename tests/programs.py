"""Programs that only the system can have: `.ci/run` installs them; elsewhere the tests that need them are skipped."""

import os
import shutil

import pytest


def required(program: str, package: str) -> str:
    """The path of a program. Without it the test is skipped, and says how to get it; in CI it fails.

    Args:
        program: its name.
        package: the Debian package that has it.
    """
    found = shutil.which(program)
    if found is None:
        reason = f"there is no {program} here: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
