"""Text that tries to be something else wherever it is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

HOSTILE: Final[Mapping[str, str]] = {
    "colours and cursor": "a\x1b[31m\x1b[2J\x1b[1;1H\x1b[?1049hb\x08\x08\x7f\x07",
    "title and clipboard": "a\x1b]0;owned\x07\x1b]52;c;ZWNobyBvd25lZA==\x07b",
    "hidden link": "a\x1b]8;;http://evil.example/\x1b\\click\x1b]8;;\x1b\\b",
    "C1 controls": "a\x9b31m\x9d0;owned\x9c\x90q\x85b",
    "bidirectional overrides": "a\u202etxt.exe\u202c\u2066b\u2069\u200f\u061cc",
    "line ends of all kinds": "a\nPASSED shop::b\rc\r\nd\x0be\x0cf\x1cg\x85h\u2028i\u2029j",
    "GitHub commands": "\n::error::owned\n::set-output name=a::b\n##[group]x\n::add-mask::y\n",
    "other CI's commands": "\n##vso[task.setvariable a]b\n##teamcity[testFailed name='x']\n",
    "HTML": "</pre></code></td><script>alert(1)</script><img src=x onerror=alert(1)><!--",
    "XML": ']]></system-out></testcase><testcase name="owned"/><!ENTITY x SYSTEM "file:///etc">&x;',
    "no XML characters": "a\x00\x01\x0b\x1f\ufffe\uffffb",
    "lone surrogates": "a\ud800b\udc00c",
    "Markdown": "![x](http://evil.example/x)[x](javascript:alert(1)) @everyone #1 **b** |c|d|\n# e",
    "fences": "`` ` ```\n~~~\n````text\n</details>\n---\n",
    "a formula": "=cmd|'/C calc'!A0",
    "formulas of all kinds": "+1\n-1\n@SUM(A1)\n\t=1\n\r=1\n＝1",
    "placeholders": "{{env.HOME}} {{message}} ${HOME} %s %(x)s {0} {x!r}",
    "markup of rich": "[red]x[/red] [link=http://evil.example]y[/link] [/]",
    "very long": "lorem " * 15_000,
    "one long word": "x" * 150_000,
}

RAW: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What nobody else's text may bring into an output: all but newline and tab."""

_COMMAND: Final = re.compile(
    r"^\s*::[a-z-]+.*?::|##(?:\[|vso\[|teamcity\[)", re.IGNORECASE | re.MULTILINE
)


def obeyed(text: str) -> list[str]:
    """What GitHub, Azure Pipelines or TeamCity would obey in an output."""
    return [found[0] for found in _COMMAND.finditer(text)]
