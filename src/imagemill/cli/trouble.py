"""What the operator is told of an error: our sentence, and the cause where a part is away."""

from imagemill.cli.masking import masked_text
from imagemill.errors import ImagemillError, Unavailable


def told(error: ImagemillError) -> str:
    """One line. The cause is what the library beneath said, on its first line, without credentials.

    A client is never told it, as it names hosts and paths.
    """
    cause = error.__cause__
    if cause is None or not isinstance(error, Unavailable):
        return error.detail
    first = next(iter(str(cause).splitlines()), "")
    return f"{error.detail} {type(cause).__name__}: {masked_text(first)}"
