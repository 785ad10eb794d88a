"""SVG has every size: what is asked for of it is drawn as large as it is asked for."""

from unittest.mock import patch

import numpy as np
import pytest

from imagemill.domain.geometry import Size
from imagemill.domain.recipe import Recipe
from imagemill.engine import reading, vips
from tests import samples
from tests.unit.engine.rendering import pixels
from tests.unit.engine.test_reading import ENGINE, render


def test_a_drawing_is_drawn_in_the_size_that_is_asked_for() -> None:
    """An icon of 24 pixels is drawn with 240, not enlarged: its edge is as sharp as that of a small one."""
    rendered = render(samples.svg(), width=240, height=240, background="#fff")
    assert rendered.size == Size(240, 240)
    row = pixels(rendered, "RGB")[120, :, 1]
    assert np.count_nonzero((row > 10) & (row < 245)) <= 4


def test_a_drawing_is_never_drawn_larger_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past it the picture is scaled up."""
    monkeypatch.setattr(reading, "DRAWN_PIXELS", 100 * 100)
    with patch.object(vips, "open", wraps=vips.open) as opened:
        assert render(samples.svg(), width=300, height=300).size == Size(300, 300)
    assert opened.call_args.kwargs["enlarged"] == pytest.approx(100 / 24)


@pytest.mark.parametrize("part", [{"crop": [2, 2, 10, 10]}, {"crop": ["8.33%", "8.33%", "41.67%", "41.67%"]}])
@pytest.mark.parametrize("others", [[], [{"width": 20}], [{"crop": [2, 2, 10, 10], "width": 50}]])
def test_a_part_of_a_drawing_is_drawn_in_the_size_that_is_asked_for(
    part: dict[str, object], others: list[dict[str, object]]
) -> None:
    """The quarter of a disc is as sharp as the disc, and where its pixels or percents are, alone or among others."""
    outputs = [{**part, "width": 200}, *others]
    recipe = Recipe.parse({"format": "png", "background": "#fff", "outputs": outputs})
    cropped, *_ = ENGINE.render(samples.svg(), recipe)
    assert cropped.size == Size(200, 200)
    whole = pixels(render(samples.svg(), width=480, height=480, background="#fff"), "RGB")
    assert np.abs(pixels(cropped, "RGB") - whole[40:240, 40:240]).max() <= 2


def test_a_trimmed_drawing_is_drawn_in_the_size_that_is_asked_for() -> None:
    """What trim leaves of it, likewise."""
    rendered = render(samples.svg(), trim=0, width=200, height=200, background="#fff")
    row = pixels(rendered, "RGB")[100, :, 1]
    assert row[0] < 245
    assert np.count_nonzero((row > 10) & (row < 245)) <= 4


def test_several_outputs_of_a_drawing() -> None:
    """One drawing serves all outputs that show the same part of it, and each other part is drawn for itself."""
    outputs = [{"name": "a", "width": 200}, {"name": "b", "width": 50}]
    with patch.object(vips, "open", wraps=vips.open) as opened:
        made = ENGINE.render(samples.svg(), Recipe.parse({"outputs": outputs}))
        assert [output.size.width for output in made] == [200, 50]
        assert opened.call_count == 1
        part = {"name": "c", "width": 40, "crop": [0, 0, "50%", "50%"]}
        made = ENGINE.render(samples.svg(), Recipe.parse({"outputs": [*outputs, part]}))
        assert [output.size.width for output in made] == [200, 50, 40]
        assert opened.call_count == 1 + 3
