"""The steps, one a file: a guard first, then one thing. Their order, and why it is so, stands in `pipeline.STEPS`."""
