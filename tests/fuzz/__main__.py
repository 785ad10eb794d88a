"""Lets atheris look for bytes that break `target.consume`; see README.md. Not run by pytest."""

import sys

import atheris

with atheris.instrument_imports(include=["imagemill.domain", "imagemill.engine", "imagemill.web", "tests.fuzz.target"]):
    from tests.fuzz import target

if __name__ == "__main__":
    atheris.Setup(sys.argv, target.consume)
    atheris.Fuzz()
