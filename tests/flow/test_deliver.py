"""Delivery: outputs and nothing else, to whom it may be, by the way that was chosen."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from imagemill.domain.links import LinkSigner, link_key
from imagemill.errors import InvalidLink, StoreUnavailable
from imagemill.flow.deliver import Deliver, Redirection
from tests.flow.house import House

SITE = "https://mill.example"
SIGNER = LinkSigner(link_key("a secret"))
NOW = 1_800_000_000.0
HOUR = 3600


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def key(house: House) -> str:
    """A finished output."""
    token = house.accept().token
    house.attempt(token).work()
    return house.job(token).products[0].key


def link(url: str) -> dict[str, str]:
    """The query of a link."""
    return dict(parse_qsl(urlsplit(url).query))


def test_an_output_is_found_with_all_that_a_cache_needs(house: House, key: str) -> None:
    """Type, tag, size and time to keep are known before a byte is read."""
    image = Deliver(house.store).find(key)

    assert image is not None
    data, _ = house.store.objects[key]
    assert (image.media_type, image.stat.bytes) == ("image/jpeg", len(data))
    assert image.cache_control == "public, max-age=31536000, immutable"
    assert '"' not in image.etag
    with image.open() as reader:  # type: ignore[union-attr]
        assert reader.read() == data


def test_an_original_is_never_delivered(house: House) -> None:
    """The key of an original, though it exists, finds nothing."""
    assert Deliver(house.store).find(house.accept().original.key) is None


@pytest.mark.parametrize("key", ["", "images", "images/", "images/../originals/x", "images/00/" + "0" * 32 + "-x.jpg"])
def test_what_is_no_key_or_lies_nowhere_is_not_found(house: House, key: str) -> None:
    """A text that is no key and a key without an object find nothing."""
    assert Deliver(house.store).find(key) is None


def test_urls_lead_to_this_service_or_to_the_cdn(house: House, key: str) -> None:
    """By what was chosen; public URLs are the same for ever."""
    assert Deliver(house.store).url(SITE, key) == f"{SITE}/{key}"
    assert Deliver(house.store, redirect=True).url(SITE, key) == f"{SITE}/{key}"
    assert Deliver(house.store, cdn_url="https://cdn.example/a").url(SITE, key) == f"https://cdn.example/a/{key}"


def test_a_signed_url_works_for_a_while(house: House, key: str) -> None:
    """Caches of browsers may keep the image as long, and no others at all; then the URL is worth nothing."""
    deliver = Deliver(house.store, signer=SIGNER, link_seconds=HOUR, clock=lambda: NOW)
    url = deliver.url(SITE, key)
    assert url.startswith(f"{SITE}/{key}?")

    image = replace(deliver, clock=lambda: NOW + 600).find(key, **link(url))
    assert image is not None
    assert image.cache_control == "private, max-age=3000"
    with pytest.raises(InvalidLink, match="expired"):
        replace(deliver, clock=lambda: NOW + HOUR).find(key, **link(url))
    with pytest.raises(InvalidLink):
        deliver.find(key)


def test_without_a_link_nobody_learns_what_is_there(house: House, key: str) -> None:
    """The store is not even asked; what is no key is still not found."""
    deliver = Deliver(house.store, signer=SIGNER)
    house.store.away = True
    for name in (key, key.replace("image.jpg", "other.jpg")):
        with pytest.raises(InvalidLink):
            deliver.find(name)
    assert deliver.find("images/nothing") is None


def test_a_link_to_what_was_erased_finds_nothing(house: House, key: str) -> None:
    """With a link that works it is told."""
    deliver = Deliver(house.store, signer=SIGNER)
    url = deliver.url(SITE, key)
    house.store.delete(key)
    assert deliver.find(key, **link(url)) is None


def test_the_store_delivers_by_redirection(house: House, key: str) -> None:
    """Its link works twice as long as the redirection may be remembered."""
    house.store.site = "https://bucket.example"
    deliver = Deliver(house.store, redirect=True, link_seconds=HOUR)
    image = deliver.find(key)
    assert image is not None
    way = deliver.redirection(image, "HEAD")
    assert way == Redirection(f"https://bucket.example/{key}?method=HEAD&seconds=3600", "public, max-age=1800")
    assert replace(deliver, redirect=False).redirection(image, "GET") is None


def test_a_redirection_ends_with_the_link_that_led_to_it(house: House, key: str) -> None:
    """A signed link with ten minutes left leads to a link of the store for ten minutes."""
    house.store.site = "https://bucket.example"
    deliver = Deliver(house.store, redirect=True, signer=SIGNER, link_seconds=HOUR, clock=lambda: NOW)
    url = replace(deliver, redirect=False).url(SITE, key)
    for passed, left in ((HOUR - 600, 600), (HOUR - 0.5, 1)):
        later = replace(deliver, clock=lambda passed=passed: NOW + passed)
        image = later.find(key, **link(url))
        assert image is not None
        way = later.redirection(image, "GET")
        assert way is not None
        assert way.url.endswith(f"seconds={left}")
        assert way.cache_control == f"private, max-age={left // 2}"


def test_with_signed_links_and_redirection_the_url_is_the_stores(house: House, key: str) -> None:
    """One hop less; a store that cannot sign just now must not keep anybody from being told of a job."""
    deliver = Deliver(house.store, redirect=True, signer=SIGNER, link_seconds=HOUR)
    assert deliver.url(SITE, key).startswith(f"{SITE}/{key}?expires=")
    house.store.site = "https://bucket.example"
    assert deliver.url(SITE, key) == f"https://bucket.example/{key}?method=GET&seconds=3600"
    house.store.away = True
    assert deliver.url(SITE, key).startswith(f"{SITE}/{key}?expires=")


def test_a_store_without_links_delivers_by_this_service(house: House, key: str) -> None:
    """A folder cannot be asked over HTTP."""
    deliver = Deliver(house.store, redirect=True)
    image = deliver.find(key)
    assert image is not None
    assert deliver.redirection(image, "GET") is None


def test_a_store_that_is_away_is_said(house: House, key: str) -> None:
    """It is not the same as an image that is not there."""
    house.store.away = True
    with pytest.raises(StoreUnavailable):
        Deliver(house.store).find(key)
