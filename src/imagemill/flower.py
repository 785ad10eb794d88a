"""Flower: Celery's tasks and workers in a browser. An extra; it looks at the broker only, and knows no job, no image.

The record is the truth and `/metrics` is what to watch: Flower sees what Celery tells of itself, while it looks.
"""

import importlib.util
import os

from imagemill import config, observability
from imagemill.broker import create_celery
from imagemill.config import Settings
from imagemill.errors import ConfigurationError

_TASKS = 10_000
"""The last ones, kept in memory."""

_GUARDS = ("FLOWER_AUTH", "FLOWER_BASIC_AUTH")
"""Variables of Flower's own that let only some people in."""


def run(settings: Settings) -> None:
    """Show the tasks over HTTP until SIGTERM.

    Raises:
        ConfigurationError: the extra is missing, or it would be open to everybody outside development.
    """
    observability.configure(settings, "flower")
    if importlib.util.find_spec("flower") is None:
        raise ConfigurationError("`imagemill flower` needs the extra: pip install 'imagemill[flower]'")
    if settings.profile.guarded and not settings.flower_users and not any(map(config.is_set, _GUARDS)):
        raise ConfigurationError(
            "IMAGEMILL_FLOWER_USERS must be set, or FLOWER_AUTH and what belongs to it, when IMAGEMILL_PROFILE is "
            f"{settings.profile}"
        )
    create_celery(settings).start(["--quiet", "flower", *options(settings)])


def options(settings: Settings) -> list[str]:
    """Flower's options; they win over the variables FLOWER_…, which say whatever these do not."""
    chosen = {
        "address": settings.flower_host,
        "port": settings.flower_port,
        "url_prefix": settings.flower_prefix,
        "read_only": not settings.flower_operates,
        # Else it would ask the workers for events whatever the setting says.
        "enable_events": settings.task_events,
        "max_tasks": _TASKS,
        # A flowerconfig.py that lies about in the working folder is none of ours.
        "conf": os.devnull,
        "logging": "none",
    }
    if settings.flower_users:
        chosen["basic_auth"] = settings.flower_users.get_secret_value()
    return [f"--{name}={value}" for name, value in chosen.items()]
