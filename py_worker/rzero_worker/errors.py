"""The failures a worker answers with. Codes are those of ErrorCode in proto/protocol.yml."""

from __future__ import annotations

from rzero_worker.protocol import ErrorCode

CLIP = 200
"""Characters of a value that a message quotes: it may be as long as a message of the wire."""


class ProtocolError(ValueError):
    """A message that does not follow proto/protocol.yml; says where, what was seen and what is allowed."""

    code = ErrorCode.INVALID_REQUEST


class BadVariable(ValueError):  # noqa: N818 - named after what is bad
    """An environment variable that is not what it may be; says which, what was seen and what is allowed."""


class WorkerFailure(Exception):  # noqa: N818 - named after the Failure envelope it becomes
    """A call that cannot be answered; the server sends it as a Failure and goes on living.

    Args:
        code: an ErrorCode of proto/protocol.yml, stable for programs to test.
        message: one line for people: the field, the value seen and what is allowed.
        details: more lines where they help, such as the files a folder lacks.
    """

    def __init__(self, code: ErrorCode | str, message: str, details: str | None = None) -> None:
        """Make a failure; the arguments are those of the class."""
        super().__init__(message)
        self.code = ErrorCode(code)
        self.message = message
        self.details = details


def invalid_request(message: str) -> WorkerFailure:
    """Build the failure for a field that is out of range or does not fit another field."""
    return WorkerFailure(ErrorCode.INVALID_REQUEST, message)


def unknown_model(model_id: str) -> WorkerFailure:
    """Build the failure for a modelId that names no loaded model."""
    return WorkerFailure(ErrorCode.UNKNOWN_MODEL, f"modelId {model_id!r}: no model is loaded under this name")


def not_trainable(model_id: str) -> WorkerFailure:
    """Build the failure for a gradient verb on a model loaded with trainable: false."""
    return WorkerFailure(ErrorCode.NOT_TRAINABLE, f"modelId {model_id!r} was loaded with trainable: false")


def not_finite(what: str) -> WorkerFailure:
    """Build the failure for a loss or gradient that is NaN or infinite; `what` names it and its sequences."""
    return WorkerFailure(ErrorCode.NOT_FINITE, f"{what} is not finite; nothing was changed")


def clipped(text: str) -> str:
    """Quote a text that came over the wire: on one line, of bounded length."""
    return repr(text) if len(text) <= CLIP else f"{text[:CLIP]!r}..."
