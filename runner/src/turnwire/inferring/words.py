"""What the names in APIs tend to mean.

Names are hints, not rules: shapes and values are looked at as well, and an API with other names is
still understood. No API is known here by its own name.
"""

from __future__ import annotations

import re
from typing import Final


class Word:
    """A test for names, however they are written: ``toolCall``, ``TOOL_CALL`` and ``tool-call``."""

    __slots__ = ("_pattern",)

    def __init__(self, *patterns: str) -> None:
        self._pattern = re.compile("|".join(patterns))

    def __call__(self, name: str) -> bool:
        split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        return self._pattern.search(split) is not None


is_thought: Final = Word(r"reason(?:ing)(?!s)|think|thought|scratchpad|chain_of|\bcot\b|analysis")
"""What an assistant thinks and does not say."""

is_refusal: Final = Word(r"refusal")
"""A refusal that a reply tells apart from an answer."""

is_tool: Final = Word(
    r"tool|function|(?:^|[^a-z])args?(?:$|[^a-z])|arguments|partial_json|input_json|code_interp"
)
"""A call of a tool, or its arguments."""

is_error: Final = Word(
    r"error|fail|(?:^|[^a-z])abort|exception|cancel|reject|denied|refused|timeout|timed_out"
)
"""Something went wrong."""

is_blocked: Final = Word(r"block(?:ed)?_?reason")
"""Something was held back."""

is_finish: Final = Word(
    r"finish|(?:^|[^a-z])(?:done|end|ended|stop|stopped|complete|completed|completion_reason|"
    r"eos|eof|final|last|success|succeeded|turn_complete|closed?)(?:$|[^a-z])"
)
"""Something is over."""

is_progress: Final = Word(
    r"working|progress|pending|submitted|running|queued|started|searching|processing|typing"
)
"""Something is not over yet."""

is_state: Final = Word(r"(?:^|_)(?:state|status|phase|stage)$")
"""A field that tells how far something has come."""

is_usage: Final = Word(r"usage|(?:^|_)tokens$|token_counts?$")
"""What was used up."""

is_count: Final = Word(r"tokens?|count|characters|units")
"""A number of something that is paid for."""

is_content: Final = Word(
    r"content|text|delta|reply|answer|message|response|output|chunk|token|generated|completion"
    r"|utterance|speech|transcript|body|result|data"
)
"""What is said."""

is_meta: Final = Word(
    r"^(?:id|type|event|model|object|role|created|name|status|state|url|uri|lang|language|"
    r"timestamp|time|date|version|object|author|sender|user|provider|fingerprint|signature|index|"
    r"finish_reason|stop_reason|reason|code|format|mime|mime_type|media_type|phase|source|kind)$"
    r"|(?:_|^)(?:id|ids|at|url|uri|name|type|hash|key|uuid|fingerprint|timestamp|version)$"
)
"""About what is said, not part of it."""

is_type: Final = Word(
    r"^(?:type|event|event_type|kind|op|action|channel|topic|method|t|object|cmd)$"
)
"""A field that tells what kind of event it is."""

is_replacing: Final = Word(r"replace|overwrite|reset|rewrite")
"""What follows stands for all before it."""

is_role: Final = Word(r"^(?:role|author|sender|from|speaker)$")
"""A field that tells who speaks."""

is_somebody_else: Final = Word(
    r"^(?:role_)?(?:user|human|customer|system|developer|tool|function|client)$"
)
"""A role that is not the assistant's."""

is_list_of_alternatives: Final = Word(
    r"^(?:choices|candidates|generations|results|alternatives|outputs)$"
)
"""A list of which only the first is the answer."""

is_list_of_utterances: Final = Word(r"^(?:messages|responses|replies|answers|bubbles|utterances)$")
"""A list of whole messages, not of pieces of one."""

is_conversation_id: Final = Word(
    r"(?:^|_)(?:session|conversation|conv|thread|chat|context|dialog|dialogue|interaction)"
    r"_?(?:id|uuid|key|token)?$"
)
"""A field that names the conversation."""

is_turn_id: Final = Word(
    r"(?:^|_)(?:run|turn|request|req|message|msg|trace|correlation)_?(?:id|uuid)$"
)
"""A field that names one turn."""

is_message: Final = Word(
    r"^(?:message|prompt|query|question|input|text|content|q|msg|user_?(?:input|message|query)|"
    r"utterance|input_?(?:value|text)|human_input|chat_?input|body|data)$"
)
"""A field for what the user says."""

is_instruction: Final = Word(r"system|instruction|model|persona|user$|stop|locale|lang|tool")
"""A field for what the user does not say."""

is_aside: Final = Word(
    r"status|progress|(?:^|[^a-z])(?:info|log|debug|notice|ping|heartbeat|title)(?:$|[^a-z])",
    r"keep_?alive|metadata|citation|source|suggest|follow_?up",
)
"""A kind of event that is about the reply."""

is_beside: Final = Word(
    r"^(?:sources?|source_documents|citations?|references|documents|snippets?|annotations|debug|logs?)$",
    r"search_results|grounding|metadata|suggest|follow_?up|log_?probs",
)
"""A field beside an answer, with texts that are no part of it."""

is_start: Final = Word(
    r"(?:^|[^a-z])(?:start|started|begin|init|open|hello|welcome|ready)(?:$|[^a-z])"
)
"""Something begins."""
