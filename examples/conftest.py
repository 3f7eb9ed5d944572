"""`pytest examples/` runs the suites here; the tests of the example driver only where it is."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("turnwire_ndjson_tcp") else ["turnwire-ndjson-tcp"]
