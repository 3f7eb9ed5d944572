"""Config files: reading, interpolation, structuring, checks."""

from turnwire_core.config.checks import header_problem
from turnwire_core.config.loading import Config, DriverSource, read_config, read_mapping
from turnwire_core.config.structuring import camel, fields_of, keys_of, nearest

__all__ = [
    "Config",
    "DriverSource",
    "camel",
    "fields_of",
    "header_problem",
    "keys_of",
    "nearest",
    "read_config",
    "read_mapping",
]
