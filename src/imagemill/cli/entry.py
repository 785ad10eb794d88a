"""What an operator is told about who may use the API: whether there are keys, and whether an issuer answers."""

# ruff: noqa: PLC0415 - the record is slow to import, and commands that only show help do not need it

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imagemill.cli.finding import Finding, Verdict
from imagemill.cli.trouble import told
from imagemill.domain.apikey import KeyState
from imagemill.errors import ImagemillError, IssuerUnavailable

if TYPE_CHECKING:
    from imagemill.config import Settings

_MAKE_ONE = "`imagemill keys create NAME` makes one"


def locked_out(settings: "Settings") -> str | None:
    """That nobody may use the API, and what to do; None if somebody may, or the record cannot be asked."""
    if not settings.auth_required or settings.oidc_issuer:
        return None
    try:
        return None if _count_keys(settings) else f"nobody may use the API yet: there is no key. {_MAKE_ONE}"
    except ImagemillError:
        return None  # whoever needs the record next says what is wrong with it


def check_keys(settings: "Settings") -> Iterator[Finding]:
    """There are keys, where keys are needed."""
    if not settings.auth_required:
        yield Finding("keys", Verdict.OK, "not needed, as IMAGEMILL_AUTH is off")
        return
    try:
        keys = _count_keys(settings)
    except ImagemillError as error:
        yield Finding("keys", Verdict.WARN, f"cannot be counted: {told(error)}", "See what is said of the database.")
        return
    if keys or settings.oidc_issuer:
        yield Finding("keys", Verdict.OK, f"{keys} can be used")
    else:
        yield Finding("keys", Verdict.WARN, "there is none, so that nobody may use the API", f"{_MAKE_ONE}.")


def check_issuer(settings: "Settings") -> Iterator[Finding]:
    """The issuer of tokens answers, if there is one."""
    from imagemill import wiring

    try:
        issuer = wiring.for_issuer(settings)
        if issuer is None:
            return
        issuer.check()
    except IssuerUnavailable as error:
        remedy = "Look at IMAGEMILL_OIDC_ISSUER; it must be spelt as in the issuer's own discovery document."
        yield Finding("issuer", Verdict.FAIL, error.detail, remedy)
    except ImagemillError as error:
        yield Finding("issuer", Verdict.FAIL, error.detail, "Install the extra for tokens.")
    else:
        yield Finding("issuer", Verdict.OK, "answers with its keys")


def _count_keys(settings: "Settings") -> int:
    from imagemill import wiring

    return sum(key.state is KeyState.ACTIVE for key in wiring.for_keys(settings).all())
