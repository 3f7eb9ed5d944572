"""A reply in words: the line of metrics, and what to say when it failed."""

from __future__ import annotations

from turnwire.view.screen import Screen
from turnwire.view.text import visible
from turnwire.watching import ClientEffect
from turnwire_core.contracts.connection import Connection
from turnwire_core.events import Reply


def milliseconds(value: float | None) -> str:
    """``12.3``, or ``-`` for what never happened."""
    return "-" if value is None else f"{value:.1f}"


def metrics_line(protocol: str, reply: Reply) -> str:
    """One line: protocol, verdict, and the times of a turn."""
    metrics = reply.metrics
    return (
        f"{protocol}  {reply.verdict.value}  "
        f"firstTokenMs {milliseconds(metrics.first_token_ms)}  "
        f"streamChunks {metrics.stream_chunks}  "
        f"latencyMs {milliseconds(metrics.latency_ms)}"
    )


def show_outcome(
    screen: Screen, connection: Connection, reply: Reply, client: ClientEffect | None = None
) -> None:
    """The line of metrics; for a failed turn also what happened, how far it came, and advice.

    Where this process may have spoilt the times, it is said.
    """
    line = metrics_line(connection.protocol, reply)
    screen.note(line, fg="green" if reply.ok else "red")
    if client is not None and client.spoilt:
        listed = ", ".join(f"{name} {by:.1f} ms" for name, by in client.spoilt.items())
        screen.note(f"because of this machine, off by up to: {listed}", fg="yellow")
    for text in outcome_lines(connection, reply):
        screen.note(text)


def outcome_lines(connection: Connection, reply: Reply) -> list[str]:
    """What else there is to say of a reply: nothing for one that went well."""
    safe = [f"hint: {hint}" for hint in map(connection.secrets.mask, reply.hints)]
    if not reply.ok:
        where = f" (phase: {reply.phase.value})" if reply.phase else ""
        reason = connection.secrets.mask(reply.error or "The turn failed.")
        head = [f"{reply.verdict.value}{where}: {reason}"]
        tries = len(reply.attempts)
        if tries > 1:
            head.append(f"Tried {tries} times.")
        if reply.content:
            head.append(f"The {len(reply.content)} characters that had arrived are kept.")
        safe = head + safe
    return [visible(text) for text in safe]
