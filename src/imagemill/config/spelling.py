"""How settings are spelt: their variables, and the values that are more than a word or a number.

Each rule raises ValueError with a sentence that does not show the value.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, SecretStr

from imagemill.domain.formats import ImageFormat
from imagemill.domain.places import is_place
from imagemill.domain.secret import weakness

PREFIX = "IMAGEMILL_"
IN_FILE = "_FILE"
"""What follows a variable's name where its value is in a file, as Docker and Kubernetes hand out secrets."""


def _no_trailing_slash(url: str) -> str:
    if not _is_plain(url):
        raise ValueError("must be an http or https URL without query")
    return url.rstrip("/")


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # which quotes the URL
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not (parts.query or parts.fragment)


def _trustworthy_issuer(url: str) -> str:
    # Spelt as it came: an issuer with a slash at its end is another one (OpenID Connect Discovery 1.0, section 4.3).
    _no_trailing_slash(url)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("must be an https URL, or on this machine")
    return url


def _hard_to_guess(secret: SecretStr) -> SecretStr:
    # An empty one is as good as none: in a guarded profile that is refused as such.
    if secret and (weak := weakness(secret.get_secret_value())):
        raise ValueError(weak)
    return secret


def _known_database(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://", "mysql://", "mysql+pymysql://")):
        raise ValueError("must begin with sqlite:///, postgresql:// or mysql://")
    return url


def _known_storage(url: str) -> str:
    if not is_place(url):
        raise ValueError("must be file: and a folder, s3://bucket/prefix or gs://bucket/prefix")
    return url


def _known_broker(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "redis+socket://", "amqp://", "amqps://")):
        raise ValueError("must begin with redis://, rediss://, redis+socket://, amqp:// or amqps://")
    if not all(map(_is_readable, url.split(";"))):
        raise ValueError(
            "cannot be read: port and database are numbers, and what is special in a password is percent-encoded"
        )
    return url


def _is_readable(broker: str) -> bool:
    # The libraries would find it out at each message.
    try:
        parts = urlsplit(broker)
        numbers = [str(parts.port or 0)]
    except ValueError:
        return False
    if parts.scheme == "redis+socket":
        numbers += parse_qs(parts.query).get("virtual_host", [])
    elif parts.scheme.startswith("redis"):
        numbers.append(parts.path)
    return all(re.fullmatch(r"/{0,2}[0-9]{0,9}", number) for number in numbers)


def _formats_only(text: str) -> str:
    try:
        known = formats(text)
    except ValueError:
        raise ValueError("must be formats of " + ", ".join(ImageFormat) + ", separated by commas") from None
    if not known:
        raise ValueError("must name at least one format")
    return text


def formats(text: str) -> tuple[ImageFormat, ...]:
    """The image formats that a setting names, each once."""
    return tuple(dict.fromkeys(ImageFormat(word.strip().lower()) for word in text.split(",") if word.strip()))


def _networks_only(text: str) -> str:
    try:
        networks(text)
    except ValueError:
        raise ValueError("must be addresses or networks, separated by commas") from None
    return text


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks that stand in a text, separated by commas. Raises ValueError for another word."""
    return tuple(ip_network(word.strip()) for word in text.split(",") if word.strip())


HttpUrl = Annotated[str, AfterValidator(_no_trailing_slash)]
IssuerUrl = Annotated[str, AfterValidator(_trustworthy_issuer)]
DatabaseUrl = Annotated[str, AfterValidator(_known_database)]
PlaceUrl = Annotated[str, AfterValidator(_known_storage)]
BrokerUrl = Annotated[str, AfterValidator(_known_broker)]
Formats = Annotated[str, AfterValidator(_formats_only)]
Networks = Annotated[str, AfterValidator(_networks_only)]
GoodSecret = Annotated[SecretStr, AfterValidator(_hard_to_guess)]
