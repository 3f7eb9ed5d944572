"""What all fuzz targets share: how long they run, and raw material that is nearly right.

Random bytes alone do not come far into a parser. So most material is made of the words that it
knows, or of something valid with a few bytes changed.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "50"))
"""For each target. `make fuzz` takes many more than a test run."""

fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,  # a folder, in which every example writes one file
        HealthCheck.differing_executors,
    ],
)

fuzz_io = settings(fuzz, max_examples=max(10, EXAMPLES // 3))
"""For targets with sockets, whose examples take longer."""


def json_data(leaves: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> Any:
    """JSON data of these leaves and keys."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=12,
    )


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
any_json = json_data(scalars, st.text(max_size=8))


def soup(words: Sequence[bytes], *, max_size: int = 30) -> st.SearchStrategy[bytes]:
    """Words of a language in any order, with bytes of any kind between them."""
    piece = st.sampled_from(words) | st.binary(max_size=6)
    return st.lists(piece, max_size=max_size).map(b"".join)


@st.composite
def damaged(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """Something valid in which some stretches are lost, doubled, or other bytes."""
    data = draw(valid)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        middle = draw(st.sampled_from([b"", data[start:end] * 2]) | st.binary(max_size=12))
        data = data[:start] + middle + data[end:]
    return data


def cuts(data: bytes, places: Sequence[int]) -> list[bytes]:
    """``data`` in pieces, cut at these places."""
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


places = st.lists(st.integers(0, 10_000), max_size=8)
