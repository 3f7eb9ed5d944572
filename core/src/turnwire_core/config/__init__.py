"""Config files: reading, interpolation, structuring, checks.

What reads connection files reads other files of the same manner too: the runner's suites.
"""

from turnwire_core.config.checks import header_problem
from turnwire_core.config.connections import DriverSource
from turnwire_core.config.documents import Document, as_path, read_document
from turnwire_core.config.interpolation import hide_environment_value, interpolate
from turnwire_core.config.loading import Config, read_config, read_mapping
from turnwire_core.config.structuring import (
    Finding,
    Findings,
    camel,
    describe,
    fields_of,
    keys_of,
    nearest,
    structure,
    structure_mapping,
)

__all__ = [
    "Config",
    "Document",
    "DriverSource",
    "Finding",
    "Findings",
    "as_path",
    "camel",
    "describe",
    "fields_of",
    "header_problem",
    "hide_environment_value",
    "interpolate",
    "keys_of",
    "nearest",
    "read_config",
    "read_document",
    "read_mapping",
    "structure",
    "structure_mapping",
]
