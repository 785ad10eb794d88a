"""Leaves out what needs a folder that a checkout need not have."""

from tests.unit.engine.corpus import CORPUS

collect_ignore = [] if CORPUS.is_dir() else ["test_corpus.py"]
