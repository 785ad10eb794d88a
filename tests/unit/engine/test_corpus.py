"""Odd files from the wild, where a folder of them lies beside the checkout: each gives a picture or a refusal."""

from pathlib import Path

import pytest

from imagemill.domain.geometry import Size
from imagemill.errors import BadInput
from tests import images
from tests.unit.engine.corpus import CORPUS
from tests.unit.engine.rendering import render

FILES = sorted(path for path in CORPUS.glob("*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_gives_a_picture_or_a_refusal(path: Path) -> None:
    """Nothing but a whole picture of the announced size, or BadInput, may come of any file."""
    try:
        rendered = render(path.read_bytes(), width=120, height=90, fit="contain", format="png")
    except BadInput:
        return
    assert rendered.size == Size(120, 90)
    assert images.opened(rendered.data).size == (120, 90)
