"""One tree of errors. Every error names the offending value and carries a ``hint``: what to do about it."""

from __future__ import annotations


class RanitError(Exception):
    """Base of all errors that RANIT raises on purpose.

    ``str(error)`` is the message alone; ``hint`` is the remedy, or an empty string. Tracebacks show both.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[RanitError], message: str, hint: str) -> RanitError:
    return kind(message, hint=hint)


class InputError(RanitError):
    """The caller's arguments are wrong: a blank type, an unknown format, a bad option."""


class ConfigError(RanitError):
    """A setting in ``ranit.toml`` or a ``RANIT_*`` variable is wrong."""


class ProfileError(RanitError):
    """A prompt profile is unknown, malformed, or not the one a checkpoint was trained with."""


class MissingExtraError(RanitError, ImportError):
    """An optional part was asked for that is not installed."""


class DataError(RanitError):
    """A record or file of examples or texts cannot be read."""


class StoreError(RanitError):
    """An example store cannot be opened, read or written."""


class EngineError(RanitError):
    """The language model could not be loaded or could not answer."""


class ModelNotFoundError(EngineError):
    """The model's directory or name does not exist, or is not a checkpoint."""


class ContextLengthError(EngineError):
    """A conversation is longer than the model's context."""


class ServerError(EngineError):
    """A model server is unreachable, refused the request, or answered with an error."""


class ServerTimeoutError(ServerError):
    """A model server did not answer in time."""
