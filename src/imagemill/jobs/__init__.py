"""The record: the truth about every job, in SQL. Knows the domain's nouns, not what a worker or a request is."""
