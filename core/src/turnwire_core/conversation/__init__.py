"""Conversations: turns rendered, sent, read, timed, and judged by how they ended."""

from turnwire_core.conversation.conversation import Conversation, open_conversation

__all__ = ["Conversation", "open_conversation"]
