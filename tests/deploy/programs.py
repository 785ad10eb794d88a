"""Programs that only the system can have. Without one a test skips and says how to get it; in CI it fails."""

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Where a program is.

    Args:
        name: as it is called.
        package: Debian's package of it.
    """
    # A program for administrators is not always on the path of everybody else.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        reason = f"{name} is missing: apt-get install --no-install-recommends {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
