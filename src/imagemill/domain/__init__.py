"""The nouns and rules of resizing: pure, standard library only, no clock, no environment, no disk."""
