"""What a deployment's secret has to be like: whoever guesses it can work out every token."""

MIN_CHARACTERS = 32
_MIN_DIFFERENT = 8  # Of 32 random hexadecimal digits fewer are different once in thirty million times.

_PLACEHOLDERS = (
    "changeme", "changethis", "donotuse", "dontuse", "example", "generateme", "insecure", "insertyour", "letmein",
    "mysecret", "notasecret", "password", "placeholder", "qwerty", "replaceme", "replacethis", "secrethere",
    "secretkey", "supersecret", "yourkey", "yoursecret",
)  # fmt: skip
"""What stands in documents and templates to be replaced; letters and digits only."""

_REMEDY = "make one with `openssl rand -base64 32`"


def weakness(secret: str) -> str | None:
    """Why a secret is not one, as the end of a sentence that begins with its name; None if nothing is wrong with it.

    Tells a careless operator, not a malicious one: a secret that is long and varied may still be known to others.
    """
    if len(secret) < MIN_CHARACTERS:
        return f"must have at least {MIN_CHARACTERS} characters"
    letters = "".join(filter(str.isalnum, secret.lower()))
    if any(word in letters for word in _PLACEHOLDERS):
        return f"is a placeholder; {_REMEDY}"
    if len(set(secret)) < _MIN_DIFFERENT:
        return f"has too few different characters; {_REMEDY}"
    return None
