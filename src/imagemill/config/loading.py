"""From the environment to the settings, and back for the processes that are started. The only file that reads it."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr, ValidationError

from imagemill.config.settings import Settings
from imagemill.config.spelling import IN_FILE, PREFIX
from imagemill.errors import ConfigurationError


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the environment, then the overrides over it.

    Args:
        overrides: settings by name, such as command line flags; None values are left out.

    Raises:
        ConfigurationError: a variable is unknown, unreadable or at odds with another.
    """
    files = _files()
    known = {PREFIX + name.upper() + end for name in Settings.model_fields for end in ("", IN_FILE)}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        meant = "".join(f"; perhaps {name} is meant" for name in get_close_matches(unknown[0], known, n=1))
        # Not `imagemill config`, which would refuse the variable too.
        raise ConfigurationError(f"{unknown[0]} is not a setting{meant}; `imagemill config --markdown` lists them all")
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    for name, variable in files.items():
        if name in given or os.environ.get(PREFIX + name.upper()):
            raise ConfigurationError(f"{variable}: the setting is given without a file, too; leave one of them out")
        given[name] = _content(variable)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigurationError("; ".join(map(_sentence, error.errors()))) from None


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process loads the same settings. What is in a file stays there."""
    files = _files()
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(PREFIX) or name in files.values()
    }
    return inherited | {
        PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in Settings.model_fields
        if name not in files and (value := getattr(settings, name)) is not None
    }


def export(settings: Settings) -> None:
    """Let the processes that this one starts load the same settings."""
    os.environ.update(environment(settings))


def tell_library(variable: str, value: str) -> None:
    """Set a variable that a library reads from the environment and takes from nowhere else."""
    os.environ[variable] = value


def is_set(variable: str) -> bool:
    """Whether the environment has a variable that a library reads."""
    return bool(os.environ.get(variable))


def source_of(name: str, settings: Settings) -> Literal["file", "environment", "default"]:
    """Where a setting's value came from."""
    if name in _files():
        return "file"
    return "environment" if name in settings.model_fields_set else "default"


def _files() -> dict[str, str]:
    """The settings whose value is in a file, and the variables that name the files."""
    variables = {name: PREFIX + name.upper() + IN_FILE for name in Settings.model_fields}
    return {name: variable for name, variable in variables.items() if os.environ.get(variable)}


def _content(variable: str) -> str:
    try:
        # An editor ends the last line; what a shell's $(cat file) leaves out is no part of the value.
        return Path(os.environ[variable]).read_text().rstrip("\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"{variable}: the file cannot be read: {reason}") from error


def _sentence(error: Any) -> str:
    variable = "".join(f"{PREFIX}{str(part).upper()}: " for part in error["loc"][:1])
    return variable + str(error["msg"]).removeprefix("Value error, ")
