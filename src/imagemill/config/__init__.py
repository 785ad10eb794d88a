"""Every setting: its name, type, unit, default and one sentence. The only reader of the environment.

A setting `name` is the environment variable `IMAGEMILL_NAME`, or the content of the file that `IMAGEMILL_NAME_FILE`
names. `load()` raises ConfigurationError, naming the variable and never its value, instead of starting with a setting
that is wrong. Each room's settings have a file; `settings.py` puts them together.
"""

from imagemill.config.deployment import Profile
from imagemill.config.loading import environment, export, is_set, load, source_of, tell_library
from imagemill.config.settings import Settings
from imagemill.config.spelling import IN_FILE, PREFIX

__all__ = [
    "IN_FILE",
    "PREFIX",
    "Profile",
    "Settings",
    "environment",
    "export",
    "is_set",
    "load",
    "source_of",
    "tell_library",
]
