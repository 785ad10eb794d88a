"""Keys: the grammar that keeps everything else out of the store."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagemill.domain.formats import FACTS, ImageFormat
from imagemill.domain.keys import is_key, is_output_key, media_type, original_key, output_key, output_keys
from imagemill.domain.recipe import Recipe
from imagemill.jobs.rows import accepted_job
from tests.fakes.jobs import new_job

HEX = "0123456789abcdef"
DIGEST = "ab" * 32
RESULTS = "cd" * 16


@given(
    results_id=st.uuids().map(lambda value: value.hex),
    name=st.from_regex("[a-z0-9][a-z0-9-]{0,31}", fullmatch=True),
    format=st.sampled_from([format for format in ImageFormat if FACTS[format].writable]),
)
def test_an_outputs_key_can_be_asked_for(results_id: str, name: str, format: ImageFormat) -> None:
    """Every output has a key that is public and tells its type."""
    key = output_key(results_id, name, format)
    assert is_key(key)
    assert is_output_key(key)
    assert media_type(key) == FACTS[format].media_type


@given(sha256=st.text(HEX, min_size=64, max_size=64), nonce=st.text(HEX, min_size=16, max_size=16))
def test_an_originals_key_cannot(sha256: str, nonce: str) -> None:
    """An original's key is a key, but not one that the world may ask for."""
    key = original_key(sha256, nonce)
    assert is_key(key)
    assert not is_output_key(key)


def test_keys_of_one_job_are_told_apart_by_name_and_format() -> None:
    """Two outputs never share a place."""
    keys = {output_key(RESULTS, name, format) for name in ("a", "b") for format in ImageFormat}
    assert len(keys) == 2 * len(ImageFormat)


def test_an_output_of_unknown_format_may_lie_under_several_keys() -> None:
    """What `smallest` has made can be erased without having been seen."""
    recipe = Recipe.parse({"format": "smallest", "name": "a"})
    job = accepted_job(replace(new_job(), recipe=recipe, results_id=RESULTS), 0)
    candidates = (ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.PNG)
    assert set(output_keys(job)) == {output_key(RESULTS, "a", format) for format in candidates}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "images",
        "../" + output_key(RESULTS, "a", ImageFormat.PNG),
        "images/cd/../cd/" + RESULTS + "-a.png",
        "images/ab/" + RESULTS + "-a.png",
        "images/cd/" + RESULTS + "-a.svg",
        "images/cd/" + RESULTS + "-a.png\n",
        "images/cd/" + RESULTS + "-a.png\x00",
        "images/cd/" + RESULTS.upper() + "-a.png",
        "images\\cd\\" + RESULTS + "-a.png",
        "images/cd/" + RESULTS + "-a%2epng",
        original_key(DIGEST, "0" * 16) + "/x",
    ],
)
def test_anything_else_is_no_key(text: str) -> None:
    """A text off the grammar reaches no store."""
    assert not is_output_key(text)
    assert not is_key(text) or text.startswith("originals/ab/" + DIGEST + "-" + "0" * 16 + "$")


@given(st.text())
def test_no_key_leads_out_of_its_folder(text: str) -> None:
    """Whatever passes has two folders of fixed form and a file without a path."""
    if is_key(text):
        assert text.count("/") == 2
        assert ".." not in text


def test_a_token_cannot_be_read_from_a_public_key() -> None:
    """Who has an image's URL has no handle on its job."""
    token = UUID("5" * 32)
    assert token.hex not in output_key(RESULTS, "a", ImageFormat.PNG)


def test_every_width_that_may_be_made_has_a_key() -> None:
    """What an attempt left behind is named without knowing how many widths it chose, in each format there may be."""
    recipe = Recipe.parse({"widths": {"most": 3}, "format": "smallest"})
    job = accepted_job(replace(new_job(), recipe=recipe, results_id=RESULTS), 0)
    formats = (ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.PNG)
    assert set(output_keys(job)) == {
        output_key(RESULTS, f"image-{number}", format) for number in (1, 2, 3) for format in formats
    }
