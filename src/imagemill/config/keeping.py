"""The secret that a desk keeps in its data folder, where nobody has set one."""

import os
import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """The secret in the file, made on first use and on disk for good when this returns. Raises OSError."""
    # Linked into place whole, so that of several processes that start at once all read the same one.
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    _flush_folder(path.parent)
    return path.read_text()


def _flush_folder(folder: Path) -> None:
    # Tokens are given out that only this secret explains. Also where another process has just made it: it may not
    # have flushed the folder yet.
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
