"""Delivery: outputs and nothing else."""

import pytest

from imagemill.flow.deliver import Deliver
from tests.flow.house import House


@pytest.fixture
def house() -> House:
    return House()


def test_an_output_is_found_with_all_that_a_cache_needs(house: House) -> None:
    """Type, tag and size are known before a byte is read."""
    token = house.accept().token
    house.attempt(token).work()
    (product,) = house.job(token).products

    image = Deliver(house.store).find(product.key)

    assert image is not None
    assert (image.media_type, image.stat.bytes) == ("image/jpeg", product.bytes)
    assert '"' not in image.etag
    with image.open() as reader:  # type: ignore[union-attr]
        assert len(reader.read()) == product.bytes


def test_an_original_is_never_delivered(house: House) -> None:
    """The key of an original, though it exists, finds nothing."""
    assert Deliver(house.store).find(house.accept().original.key) is None


@pytest.mark.parametrize("key", ["", "images", "images/", "images/../originals/x", "images/00/" + "0" * 32 + "-x.jpg"])
def test_what_is_no_key_or_lies_nowhere_is_not_found(house: House, key: str) -> None:
    """A text that is no key and a key without an object find nothing."""
    assert Deliver(house.store).find(key) is None
