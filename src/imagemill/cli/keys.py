"""`imagemill keys`: who may use the API. The text of a key goes to standard output, all else to standard error."""

# ruff: noqa: PLC0415 - what is slow to import is imported when the command runs, so that help is there at once

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagemill.cli import options
from imagemill.domain.apikey import ApiKey, KeyState
from imagemill.domain.caller import Scope
from imagemill.domain.work import MOST_MEGAPIXELS_PER_DAY
from imagemill.errors import CommandRefused, ConfigurationError

if TYPE_CHECKING:
    from imagemill.flow.keyring import Keyring

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_Name = Annotated[str, typer.Argument(help="Name of the key.")]
_NameOrId = Annotated[str, typer.Argument(help="Name of the key, or its id.")]


def commands() -> typer.Typer:
    """The group of commands."""
    group = typer.Typer(no_args_is_help=True, help="API keys: who may use the API.")
    group.command()(create)
    group.command("list")(show)
    group.command()(rotate)
    group.command()(revoke)
    return group


def create(  # noqa: PLR0917 - each is a flag of the command line, with a name there
    name: _Name,
    scopes: Annotated[str, typer.Option(help="What it may do: resize, read, delete, admin.")] = "resize,read,delete",
    owner: Annotated[
        str | None, typer.Option(help="Whose jobs it makes and sees; left out, a new owner of the key's name.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Until when it is good: 90d, 12h, or a date such as 2030-12-31.")
    ] = None,
    quota_megapixels_per_day: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_MEGAPIXELS_PER_DAY,
            metavar="N",
            help="Megapixels that may be accepted with it in a day.",
        ),
    ] = None,
    data: options.Data = None,
) -> None:
    """Make a key and print it. It is shown this once."""
    key, text = _keyring(data).create(
        name,
        parse_scopes(scopes),
        owner=owner,
        expires_at=parse_expiry(expires, datetime.now(UTC)) if expires else None,
        megapixels_per_day=quota_megapixels_per_day,
    )
    _hand_over(key, text)


def rotate(
    name: _NameOrId,
    grace: Annotated[str, typer.Option(metavar="SPAN", help="How long the old one stays good: 24h, 7d.")] = "0s",
    data: options.Data = None,
) -> None:
    """Give a key a new secret and print it. It is shown this once."""
    seconds = parse_span(grace).total_seconds()
    key, text = _keyring(data).rotate(name, seconds)
    _hand_over(key, text)
    until = key.former_until
    typer.echo(
        f"The old one is good until {_moment(until)}." if until else "The old one is not good any more.", err=True
    )


def revoke(name: _NameOrId, data: options.Data = None) -> None:
    """Let a key open nothing any more."""
    key = _keyring(data).revoke(name)
    typer.echo(f"Revoked {key.name} ({key.id}). Running services notice within IMAGEMILL_AUTH_CACHE_SECONDS.", err=True)


def show(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are revoked.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: options.Data = None,
) -> None:
    """List the keys; the keys themselves are kept nowhere."""
    rows = [_row(key) for key in _keyring(data).all() if everything or key.state is not KeyState.REVOKED]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = [["NAME", "ID", "STATE", "SCOPES", "OWNER", "EXPIRES", "MP/DAY"], *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def parse_scopes(text: str) -> frozenset[Scope]:
    """Scopes from words with commas between them. Raises CommandRefused."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = sorted(set(words) - set(Scope))
    if unknown or not words:
        raise CommandRefused(f"--scopes takes {', '.join(Scope)}, with commas between them.")
    return frozenset(map(Scope, words))


def parse_span(text: str) -> timedelta:
    """A length of time from a number and a unit: s, m, h or d. Raises CommandRefused."""
    match = _SPAN.fullmatch(text)
    if not match:
        raise CommandRefused("A length of time is a number and s, m, h or d, such as 12h or 90d.")
    return timedelta(seconds=int(match[1]) * _UNIT_SECONDS[match[2]])


def parse_expiry(text: str, now: datetime) -> datetime:
    """The end of a key from a length of time or a date, whose day is its last, in UTC. Raises CommandRefused."""
    if _SPAN.fullmatch(text):
        end = now + parse_span(text)
    else:
        try:
            end = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
        except (ValueError, OverflowError):
            raise CommandRefused("--expires takes 90d, 12h, or a date such as 2030-12-31.") from None
    if end <= now:
        raise CommandRefused("--expires is in the past.")
    return end


def _keyring(data: Any) -> "Keyring":
    from imagemill import wiring
    from imagemill.jobs import schema
    from imagemill.jobs.revision import serves

    settings = options.settings(data=data)
    if not settings.database_url:
        schema.upgrade(settings.database)  # as `imagemill up` does, so that keys can be made before the first start
    elif not serves(schema.current(settings.database)):
        raise ConfigurationError("The database's tables are not of this release: run `imagemill db upgrade`.")
    return wiring.for_keys(settings)


def _hand_over(key: ApiKey, text: str) -> None:
    typer.echo(text)
    does = f"may {', '.join(_words(key.scopes))}; owner {key.owner}"
    until = f"; until {_moment(key.expires_at)}" if key.expires_at else ""
    typer.echo(f"This is the key {key.name} ({key.id}): {does}{until}. Keep it safe: it is shown this once.", err=True)


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "id": key.id,
        "state": str(key.state),
        "scopes": _words(key.scopes),
        "owner": key.owner,
        "megapixels_per_day": key.megapixels_per_day,
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.expires_at),
        "rotated_at": _moment(key.rotated_at),
        "former_secret_until": _moment(key.former_until),
        "revoked_at": _moment(key.revoked_at),
    }


def _cells(row: dict[str, Any]) -> list[str]:
    quota = "" if row["megapixels_per_day"] is None else str(row["megapixels_per_day"])
    return [row["name"], row["id"], row["state"], ",".join(row["scopes"]), row["owner"], row["expires_at"] or "", quota]


def _words(scopes: Iterable[Scope]) -> list[str]:
    return [str(scope) for scope in Scope if scope in scopes]


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
