"""The contract holds however HTTP travels."""

from __future__ import annotations

from support.http_paths import http_path as http_path
