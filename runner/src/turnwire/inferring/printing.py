"""A connection as text, and why it is what it is."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Literal

from turnwire.inferring.evidence import Reply
from turnwire.inferring.findings import Finding
from turnwire.inferring.inference import Inference
from turnwire.inferring.probing import Outcome
from turnwire.view.text import json_text, shorten, visible

ConfigFormat = Literal["json", "yaml"]

_LONGEST_EXCERPT = 60


def config_text(name: str, connection: Mapping[str, Any], format_: ConfigFormat) -> str:
    """A config file with this one connection."""
    data = {"connections": {name: connection}}
    if format_ == "json":
        return json_text(data) + "\n"
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # it is a flag
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def finding_lines(inference: Inference) -> list[str]:
    """The evidence, a line for each finding, and what came close below it."""
    protocol = inference.connection["protocol"]
    rows = [
        (_field(finding, protocol), _value(finding), finding.word, finding)
        for finding in inference.findings
    ]
    width = max((len(field) for field, *_ in rows), default=0)
    lines = []
    for field, value, word, finding in rows:
        shown = f"{value} — " if value else ""
        lines.append(visible(f"{field:<{width}}  {word}: {shown}{finding.because}"))
        if finding.alternatives:
            close = "; ".join(finding.alternatives)
            lines.append(visible(f"{'':<{width}}  came close: {close}"))
    return lines


def outcome_lines(outcome: Outcome, reply: Reply) -> list[str]:
    """What the connection made of the reply that it was inferred from."""
    events = len(reply.events)
    of = "1 event" if events == 1 else f"{events} events"
    lines = [
        visible(
            f"Read with it, the reply ({of}) is {outcome.verdict.value}, "
            f"{len(outcome.content)} characters: {shorten(outcome.content, _LONGEST_EXCERPT)}"
        )
    ]
    if outcome.error:
        lines.append(visible(f"It says: {outcome.error}"))
    if outcome.usage is not None:
        lines.append(visible(f"Usage: {shorten(json_text(outcome.usage, indent=None), 100)}"))
    lines += [visible(f"hint: {hint}") for hint in outcome.hints]
    return lines


def _field(finding: Finding, protocol: str) -> str:
    if "." in finding.field and not finding.field.startswith("capture"):
        return finding.field
    outside = ("protocol", "responseFieldPath", "headers")
    return finding.field if finding.field in outside else f"{protocol}.{finding.field}"


def _value(finding: Finding) -> str:
    if finding.value is None or isinstance(finding.value, str):
        return finding.value or ""
    return json_text(finding.value, indent=None)
