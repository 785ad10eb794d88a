"""Everything that can go wrong, as one tree. No HTTP here: `web/problems.py` maps classes to status codes.

    ImagemillError
    ├── BadInput                 the client has to change something; never retryable
    │   ├── MalformedRequest     malformed-request
    │   ├── InvalidBase64        invalid-base64
    │   ├── EmptyImage           empty-image
    │   ├── ImageTooLarge        image-too-large
    │   ├── UnsupportedImage     unsupported-image
    │   ├── CorruptImage         corrupt-image
    │   ├── TooManyPixels        too-many-pixels
    │   ├── InvalidOptions       invalid-options
    │   ├── InvalidLink          invalid-link
    │   └── UnknownToken         unknown-token
    ├── Refused                  who asks is not known, or may not do this; never retryable
    │   ├── Unauthorized         unauthorized
    │   └── InsufficientScope    insufficient-scope
    ├── TooMuch                  this caller asks for more than he may for now; retryable
    │   ├── RateLimited          rate-limited
    │   ├── QuotaExceeded        quota-exceeded
    │   └── TooManyPending       too-many-pending
    ├── JobFailure               an accepted job ended without an image, and not because of its image
    │   ├── WorkerLost           worker-lost
    │   ├── TimeLimitExceeded    time-limit-exceeded
    │   ├── MemoryLimitExceeded  memory-limit-exceeded
    │   ├── OriginalMissing      original-missing
    │   ├── OutputTooLarge       output-too-large
    │   ├── WatermarkMissing     watermark-missing
    │   └── RenderFailed         render-failed
    ├── Unavailable              a part the service stands on is away; retryable
    │   ├── RecordUnavailable    unavailable
    │   ├── NewerRecord          unavailable
    │   ├── StoreUnavailable     unavailable
    │   ├── BrokerUnavailable    unavailable
    │   ├── IssuerUnavailable    unavailable
    │   └── Overloaded           overloaded
    ├── LeaseLost                lease-lost; internal: another worker owns the job now
    ├── CommandRefused           command-refused; internal: what an operator typed cannot be done as it is
    └── ConfigurationError       configuration; the service refuses to start

Each concrete class has a `code`, stable for ever, and says whether the same request can succeed later (`retryable`).
The message is written for the client: it names no path, no host and no piece of the input.
"""

from dataclasses import dataclass
from typing import ClassVar


class ImagemillError(Exception):
    """The root: whatever imagemill raises on purpose."""

    code: ClassVar[str]
    title: ClassVar[str]
    retryable: ClassVar[bool] = False

    @property
    def detail(self) -> str:
        """The sentence a client may read."""
        return str(self) or self.title


class BadInput(ImagemillError):
    """The request cannot succeed as it is."""


class MalformedRequest(BadInput):
    """The body or a header does not parse."""

    code = "malformed-request"
    title = "The request is malformed"


class InvalidBase64(BadInput):
    """`imageData` is not base64 of the standard alphabet with padding (RFC 4648, section 4)."""

    code = "invalid-base64"
    title = "The image data is not valid base64"


class EmptyImage(BadInput):
    """There is no image, or it has zero bytes."""

    code = "empty-image"
    title = "There is no image"


class ImageTooLarge(BadInput):
    """The image has more bytes than the limit."""

    code = "image-too-large"
    title = "The image has too many bytes"


class UnsupportedImage(BadInput):
    """Not an image, or of a type that is not served."""

    code = "unsupported-image"
    title = "Not an image of a supported type"


class CorruptImage(BadInput):
    """The header cannot be read, or the pixels are damaged or cut short."""

    code = "corrupt-image"
    title = "The image is damaged"


class TooManyPixels(BadInput):
    """Width × height × frames is over the limit, or the frames alone."""

    code = "too-many-pixels"
    title = "The image has too many pixels"


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """One thing that is wrong with the options.

    Args:
        pointer: where, as a JSON pointer (RFC 6901) into the request, such as `/outputs/0/width`.
        detail: what is wrong, in a sentence that does not repeat the value.
    """

    pointer: str
    detail: str


class InvalidOptions(BadInput):
    """One or more options are unknown, out of range, or do not go together.

    Args:
        problems: all of them.
    """

    code = "invalid-options"
    title = "The options are not valid"

    def __init__(self, *problems: OptionProblem) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{problem.pointer}: {problem.detail}" for problem in problems))


class InvalidLink(BadInput):
    """The image is only for who has a signed link, and this is none, or one that has expired."""

    code = "invalid-link"
    title = "The link does not work"


class UnknownToken(BadInput):
    """No job of this owner has the token: never made, another's, expired or erased."""

    code = "unknown-token"
    title = "There is no such job"


class Refused(ImagemillError):
    """Who asks is not known, or is and may not do this."""


class Unauthorized(Refused):
    """No valid key or token: none was sent, or what was sent is not good, or no longer.

    Args:
        reason: what was wrong, in a few words for the log; the client is told the same sentence in any case.
        key: name of the key that was meant, if it is known.
    """

    code = "unauthorized"
    title = "A valid key is needed"

    def __init__(self, reason: str, key: str | None = None) -> None:
        self.reason = reason
        self.key = key
        super().__init__("Send a valid key, as `Authorization: Bearer <key>` or as `X-API-Key: <key>`.")


class InsufficientScope(Refused):
    """The key or token is valid, and its scopes do not allow this.

    Args:
        scope: the one that would.
    """

    code = "insufficient-scope"
    title = "The key may not do this"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(f"This needs a key with the scope `{scope}`.")


class TooMuch(ImagemillError):
    """This caller asks for more than he may for now.

    Args:
        detail: what a client may read.
        retry_after_seconds: when to ask again.
    """

    retryable = True

    def __init__(self, detail: str, retry_after_seconds: int = 60) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(detail)


class RateLimited(TooMuch):
    """There were too many requests in the last minute from this key or address."""

    code = "rate-limited"
    title = "Too many requests"


class QuotaExceeded(TooMuch):
    """The key's megapixels of the day are used up, or what is left of them is too little for this image."""

    code = "quota-exceeded"
    title = "The quota of the day is used up"


class TooManyPending(TooMuch):
    """More jobs of this owner are waiting than one owner may have."""

    code = "too-many-pending"
    title = "Too many of your jobs are waiting"


class JobFailure(ImagemillError):
    """An accepted job ended without an image for a reason that is not its image's fault."""


class WorkerLost(JobFailure):
    """Each attempt ended with its worker dead or silent: by the image, or by what it took of memory."""

    code = "worker-lost"
    title = "The worker died at every attempt"
    retryable = True

    def __init__(
        self,
        detail: str = "Each worker died over the job. "
        "Ask for less, such as fewer pixels or a lower effort, or send it again later.",
    ) -> None:
        super().__init__(detail)


class TimeLimitExceeded(JobFailure):
    """The work took longer than a job may."""

    code = "time-limit-exceeded"
    title = "The job took too long"
    retryable = True


class MemoryLimitExceeded(JobFailure):
    """The work needed more memory than a worker may use."""

    code = "memory-limit-exceeded"
    title = "The job needed too much memory"
    retryable = True


class OriginalMissing(JobFailure):
    """The object store no longer has the bytes that the record speaks of."""

    code = "original-missing"
    title = "The original image is gone"
    retryable = True


class OutputTooLarge(JobFailure):
    """No quality makes the output as small as `maxBytes` asks."""

    code = "output-too-large"
    title = "The output cannot be made that small"


class WatermarkMissing(JobFailure):
    """The job that a watermark came from was erased or has expired."""

    code = "watermark-missing"
    title = "The image of the watermark is gone"
    retryable = True


class RenderFailed(JobFailure):
    """A fault of imagemill itself; its log has the traceback."""

    code = "render-failed"
    title = "The job failed inside the service"
    retryable = True


class Unavailable(ImagemillError):
    """A part is away for now. `retry_after_seconds` is when to ask again."""

    code = "unavailable"
    title = "The service is not available right now"
    retryable = True
    retry_after_seconds: ClassVar[int] = 5


class RecordUnavailable(Unavailable):
    """The database does not answer."""


class NewerRecord(Unavailable):
    """A later release wrote what the record holds, and this one cannot read it."""


class StoreUnavailable(Unavailable):
    """The object store does not answer, or has no room."""


class BrokerUnavailable(Unavailable):
    """The broker does not answer; what was accepted stays accepted, the sweep sends it later."""


class IssuerUnavailable(Unavailable):
    """The issuer of tokens does not answer, so that nobody can tell whether one is good."""


class Overloaded(Unavailable):
    """There is more work waiting than the service agreed to hold."""

    code = "overloaded"
    title = "Too much work is waiting"
    retry_after_seconds = 10


class LeaseLost(ImagemillError):
    """This worker no longer owns the job and must not write its record."""

    code = "lease-lost"
    title = "Another worker owns the job"


class CommandRefused(ImagemillError):
    """What an operator typed cannot be done as it is; the message says why."""

    code = "command-refused"
    title = "The command cannot be done"


class ConfigurationError(ImagemillError):
    """A setting is missing or wrong; the message names the variable and never its value."""

    code = "configuration"
    title = "The configuration is not valid"
