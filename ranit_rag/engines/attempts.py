"""Attempts at a request that end in time: the time-outs of an HTTP client count from byte to byte."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import openai


class PunctualClient(openai.DefaultAsyncHttpxClient):
    """The SDK's HTTP client, with ``seconds`` for a whole attempt: from its connection to the last byte of its answer.

    What is not through by then is a time-out like any other, so the SDK counts and retries it as one.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        try:
            async with asyncio.timeout(self._seconds):
                return await super().send(request, **options)
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"not through after {self._seconds:g} seconds", request=request) from error
