"""Reading replies: rules compiled once, frames in, text and the finish out, and why not."""

from turnwire_core.reader.conditions import compile_condition, matches, same_json
from turnwire_core.reader.parsing import has_too_many_values, parse_json
from turnwire_core.reader.reply import Reading, ReplyReader, diagnose
from turnwire_core.reader.rules import CompiledRules, compile_rules

__all__ = [
    "CompiledRules",
    "Reading",
    "ReplyReader",
    "compile_condition",
    "compile_rules",
    "diagnose",
    "has_too_many_values",
    "matches",
    "parse_json",
    "same_json",
]
