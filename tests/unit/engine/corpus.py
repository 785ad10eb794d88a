"""Where odd files from the wild may lie, beside the checkout."""

from pathlib import Path

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
