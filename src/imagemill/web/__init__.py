"""The HTTP API: reads requests, calls the flows, writes answers. Knows no database, broker, store or pixels.

app.py        puts the rooms below together
access.py     what every request and every answer carries; one log line each
auth.py       who asks
address.py    where a request comes from
limits.py     how often one may ask
usage.py      what one has used of his quota
body.py       the three ways in: JSON, multipart, raw bytes
bounded.py    reading a body without ever holding more than it may have
imagedata.py  the JSON body: its options, and its image decoded in place
resize.py     POST, GET, DELETE and the list of jobs
plan.py       the dry run
formats.py    what is read and written
images.py     delivery of outputs
conditions.py conditions and ranges of a request for one
prefer.py     `Prefer: wait`
health.py     /healthz and /readyz
metrics.py    /metrics, in development
problems.py   errors as problem documents; the one table from error class to status
schemas.py    the form of every answer
answers.py    domain objects as answers
openapi.py    the description of all of this, made from the tables that check it
components.py what that is put together from
"""
