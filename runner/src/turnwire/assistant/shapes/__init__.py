"""The shapes in which the assistant is asked and answers, one API a module. None of them does I/O.

The event sequences are those of the real services, so that a connection that reads one of them
here reads it there.
"""

from __future__ import annotations

from turnwire.assistant.shapes.anthropic import AnthropicMessages
from turnwire.assistant.shapes.base import Keeping, Question, Shape
from turnwire.assistant.shapes.openai_chat import OpenAIChat
from turnwire.assistant.shapes.openai_responses import OpenAIResponses
from turnwire.assistant.shapes.plain import Plain, PlainText

__all__ = [
    "AnthropicMessages",
    "Keeping",
    "OpenAIChat",
    "OpenAIResponses",
    "Plain",
    "PlainText",
    "Question",
    "Shape",
]
