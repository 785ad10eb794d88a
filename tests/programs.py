"""Programs that only the system can have: `.ci/run` installs them; elsewhere the tests that need them are skipped."""

import os
import shutil

import pytest


def required(program: str, package: str) -> str:
    """The path of a program. Without it the test is skipped, and says how to get it; in CI it fails.

    Args:
        program: its name, or a path.
        package: the Debian package that has it.
    """
    # A program for administrators is not always on the path of everybody else.
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        missing = f"there is no {program} here: apt-get install --no-install-recommends {package}"
        if os.environ.get("CI"):
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return found
