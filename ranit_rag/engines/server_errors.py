"""What went wrong between us and a model server, in words that help."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import openai

from ranit_rag.errors import ContextLengthError, EngineError, ServerError, ServerTimeoutError

_TOO_LONG = re.compile("context[ _](length|window|size)|maximum context|max_model_len")


def explain(error: Exception, *, url: str, model: str, timeout: float, served: Sequence[str] = ()) -> EngineError:
    """The EngineError for what the SDK raised on a request to ``url``; ``served`` are the models the server named."""
    if isinstance(error, openai.APITimeoutError):
        return ServerTimeoutError(
            f"{url} did not answer within {timeout:g} seconds",
            hint="raise the time-out, lower the concurrency, or see whether the server is overloaded or hangs",
        )
    if isinstance(error, openai.APIConnectionError):
        return _unconnected(error, url)
    if isinstance(error, openai.APIStatusError):
        return _refused(error, url, model, served)
    return ServerError(
        f"{url} answered with something that is not JSON: {_line(str(error))}",
        hint="is this the address of an OpenAI-compatible API? It usually ends in /v1",
    )


def complaint(error: openai.APIStatusError) -> str:
    """What the server itself says of its refusal, in one line of at most 300 characters."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        said = inner.get("message", inner) if isinstance(inner, dict) else inner
        return _line(str(said))
    return _line(error.response.text or str(error))


def without_credentials(url: str) -> str:
    """``url`` less a user name and password, fit for messages."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _unconnected(error: openai.APIConnectionError, url: str) -> ServerError:
    cause = error.__cause__ or error
    detail = _line(str(cause)) or type(cause).__name__
    if type(cause).__name__ == "ConnectError":  # httpx or httpx2, whichever the SDK brings
        return ServerError(f"{url} cannot be reached: {detail}", hint=f"is the server running at {url}?")
    return ServerError(
        f"{url} broke the connection before its answer was complete: {detail}",
        hint="the server's log says why; it may have been restarted or run out of memory",
    )


def _refused(error: openai.APIStatusError, url: str, model: str, served: Sequence[str]) -> EngineError:
    status, said = error.status_code, complaint(error)
    if status in (400, 413, 422) and too_long(said):
        return ContextLengthError(
            f"the conversation is longer than the context of {model!r}: {said}",
            hint="give the engine the server's context length, show fewer examples, or ask for smaller windows",
        )
    message = f"{url} answered {status}: {said}"
    if status in (401, 403):
        hint = "set the variable OPENAI_API_KEY, or give api_key, to a key that this server accepts"
    elif status == 404:
        names = ", ".join(served[:20])
        hint = f"the server's models are: {names}" if served else "the address of the API usually ends in /v1"
    elif status == 429:
        hint = "the server is at its limit: lower the concurrency, or wait and run again"
    elif status >= 500:
        hint = "the server failed: its log says why; run again when it is well"
    else:
        hint = f"the server does not take this request for {model!r}"
    return ServerError(message, hint=hint)


def too_long(said: str) -> bool:
    """Whether a server's complaint is about the length of the prompt."""
    return _TOO_LONG.search(said.lower()) is not None


def _line(text: str) -> str:
    squeezed = " ".join(text.split())
    return squeezed if len(squeezed) <= 300 else squeezed[:299] + "…"
