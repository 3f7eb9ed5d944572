"""The assistant of these tests: quick, and one for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from support.assistant_client import http_client
from turnwire.assistant import Assistant, Pace, serve_assistant

QUICK = Pace(first_ms=1, gap_ms=0)


@pytest.fixture
async def assistant(anyio_backend: str) -> AsyncIterator[Assistant]:
    async with serve_assistant(pace=QUICK) as server:
        yield server


@pytest.fixture
async def http(assistant: Assistant) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(assistant.url) as client:
        yield client
