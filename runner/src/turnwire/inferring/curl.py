"""Reading a ``curl`` command as people paste it: from docs, from a terminal, from a browser.

Nothing is run. The shell's quoting is understood (POSIX.1-2017, XCU §2.2, and ``$'…'``), line
continuations and here-documents too; what would need a shell to know is refused. A shell variable
becomes its name between two :data:`MARK`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from turnwire.inferring.evidence import HttpRequest

MARK: Final = "\ue000"
"""Stands before and after the name of a shell variable: a character without a meaning."""

_HERE_DOCUMENT = re.compile(r"<<(-?)\s*(['\"]?)(\w+)\2[^\n]*\n")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_ENDS: Final = ("|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "&>")
_ESCAPES: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f",
    "v": "\v", "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip

_WITH_VALUE: Final = frozenset(
    """
    --abstract-unix-socket --alt-svc --aws-sigv4 --cacert --capath --cert --cert-type --ciphers
    --connect-timeout --connect-to --cookie-jar --curves --delegation --dns-servers --dump-header
    --engine --expect100-timeout --happy-eyeballs-timeout-ms --interface --keepalive-time --key
    --key-type --limit-rate --local-port --max-filesize --max-redirs --max-time --netrc-file
    --noproxy --output --output-dir --pass --pinnedpubkey --proto --proto-default --proto-redir
    --proxy-user --range --rate --referer --request-target --resolve --retry --retry-delay
    --retry-max-time --speed-limit --speed-time --stderr --tls-max --tls13-ciphers --trace
    --trace-ascii --unix-socket --user-agent --variable --write-out
    -A -C -D -E -P -Q -U -Y -c -e -m -o -r -t -w -y -z
    """.split()  # noqa: SIM905 - a list of sixty words is not read
)
"""The options that take a value and change nothing of what is asked here."""

_REFUSED: Final = {
    "-F": "a form of several parts",
    "--form": "a form of several parts",
    "--form-string": "a form of several parts",
    "-T": "an upload",
    "--upload-file": "an upload",
    "-K": "a file of options",
    "--config": "a file of options",
    "-n": "a file of credentials",
    "--netrc": "a file of credentials",
}
_SHORT_WITH_VALUE: Final = frozenset("XHdubxAeCDEPQTUYcmortwyzFK")


class CurlError(ValueError):
    """The text is no curl command that can be read; says why, and what to do."""


def looks_like_curl(text: str) -> bool:
    """Whether a text is a command for curl."""
    return re.match(r"\s*(?:[$#>%]\s+)?curl(?:\.exe)?\s", text) is not None


@attrs.define
class _Command:
    url: str | None = None
    method: str | None = None
    headers: dict[str, str] = attrs.field(factory=dict)
    data: list[str] = attrs.field(factory=list)
    query: list[str] = attrs.field(factory=list)
    as_json: bool = False
    as_query: bool = False
    head: bool = False
    user: str | None = None
    verify: bool = True
    follow_redirects: bool = False
    proxy: str | None = None


def parse_curl(text: str, read: Callable[[str], str] | None = None) -> HttpRequest:
    """The request that a curl command makes.

    ``read`` gives the text of a file that the command names (``-d @body.json``); without it, such
    a command is refused.

    Raises:
        CurlError: it is no curl command, or one that needs a shell, or has no URL.
    """
    text = text.replace("\r\n", "\n").strip()
    text, stdin = _take_here_document(text)
    words = _arguments(text)
    if not words or words[0].rpartition("/")[2] not in ("curl", "curl.exe"):
        raise CurlError("This is no curl command: it does not begin with 'curl'.")

    def read_any(name: str) -> str:
        if name == "-" and stdin is not None:
            return stdin
        if read is None or name == "-":
            raise CurlError(f"The command reads {name!r}. Put the body itself in its place.")
        return read(name)

    command = _Command()
    options = iter(words[1:])
    for word in options:
        _take(word, options, command, read_any)
    return _request(command)


def _take(word: str, rest: Iterator[str], command: _Command, read: Callable[[str], str]) -> None:
    """Understand one argument, with its value."""
    if not word.startswith("-") or word == "-":
        if command.url is not None:
            raise CurlError("The command has more than one URL. Is a quote missing?")
        command.url = word
        return
    name, separator, value = word.partition("=") if word.startswith("--") else (word, "", "")
    if not word.startswith("--") and len(word) > 2:
        # -sSN, -XPOST, -H'a: b': flags in one word, the last of which may have its value there.
        for position, letter in enumerate(word[1:], start=1):
            if letter in _SHORT_WITH_VALUE:
                inline = word[position + 1 :]
                _option(f"-{letter}", iter([inline]) if inline else rest, command, read)
                return
            _option(f"-{letter}", rest, command, read)
        return
    _option(name, iter([value]) if separator else rest, command, read)


def _option(name: str, rest: Iterator[str], command: _Command, read: Callable[[str], str]) -> None:
    def value() -> str:
        try:
            return next(rest)
        except StopIteration:
            raise CurlError(f"The option {name} has no value. Is the command complete?") from None

    match name:
        case "-X" | "--request":
            command.method = value().upper()
        case "-H" | "--header":
            header, separator, content = value().partition(":")
            if separator and content.strip():
                command.headers[header.strip()] = content.strip()
        case "-d" | "--data" | "--data-ascii" | "--data-binary":
            command.data.append(_data(value(), read, keep_lines=name == "--data-binary"))
        case "--data-raw":
            command.data.append(value())
        case "--data-urlencode":
            command.data.append(_urlencoded(value(), read))
        case "--json":
            command.data.append(_data(value(), read, keep_lines=True))
            command.as_json = True
        case "--url":
            command.url = value()
        case "--url-query":
            command.query.append(_urlencoded(value(), read))
        case "-G" | "--get":
            command.as_query = True
        case "-I" | "--head":
            command.head = True
        case "-u" | "--user":
            command.user = value()
        case "--oauth2-bearer":
            command.headers["Authorization"] = f"Bearer {value()}"
        case "-b" | "--cookie":
            cookie = value()
            if "=" in cookie or MARK in cookie:
                command.headers["Cookie"] = cookie
        case "-k" | "--insecure":
            command.verify = False
        case "-L" | "--location" | "--location-trusted":
            command.follow_redirects = True
        case "-x" | "--proxy":
            command.proxy = value()
        case _ if name in _REFUSED:
            raise CurlError(f"The command sends {_REFUSED[name]} ({name}), which cannot be taken.")
        case _ if name in _WITH_VALUE:
            value()
        case _:
            pass  # a switch that changes nothing of the request (-s, -N, --compressed …)


def _data(value: str, read: Callable[[str], str], *, keep_lines: bool) -> str:
    if not value.startswith("@"):
        return value
    text = read(value[1:])
    return text if keep_lines else text.replace("\r", "").replace("\n", "")


def _urlencoded(value: str, read: Callable[[str], str]) -> str:
    name, sign, content = re.match(r"([^=@]*)([=@]?)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr] # it always matches
    if sign == "":
        return quote(name, safe="")
    content = read(content) if sign == "@" else content
    return f"{name}={quote(content, safe='')}" if name else quote(content, safe="")


def _request(command: _Command) -> HttpRequest:
    if command.url is None:
        raise CurlError("The command has no URL. Is it complete?")
    url = command.url if "://" in command.url else f"http://{command.url}"
    headers = command.headers
    body: str | None = None
    if command.data:
        joined = "".join(command.data) if command.as_json else "&".join(command.data)
        if command.as_query:
            command.query.append(joined)
        else:
            body = joined
            present = {name.lower() for name in headers}
            if command.as_json and "content-type" not in present:
                headers["Content-Type"] = "application/json"
            elif "content-type" not in present:
                headers["Content-Type"] = (
                    "application/json" if _is_json(body) else "application/x-www-form-urlencoded"
                )
    if command.query:
        parts = urlsplit(url)
        query = "&".join(filter(None, [parts.query, *command.query]))
        url = urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))
    default = "HEAD" if command.head else "POST" if body is not None else "GET"
    user, _, password = (command.user or "").partition(":")
    return HttpRequest(
        url=url,
        method=command.method or default,
        headers=headers,
        body=body,
        user=user or None,
        password=password or None,
        verify=command.verify,
        follow_redirects=command.follow_redirects,
        proxy=command.proxy,
    )


def _is_json(text: str) -> bool:
    try:
        value: Any = json.loads(text, strict=False)
    except ValueError:
        return False
    return isinstance(value, dict | list)


def _take_here_document(text: str) -> tuple[str, str | None]:
    """The command without its here-document, and the document (XCU §2.7.4)."""
    match = _HERE_DOCUMENT.search(text)
    if match is None:
        return text, None
    lines = text[match.end() :].split("\n")
    body: list[str] = []
    for position, line in enumerate(lines):
        content = line.lstrip("\t") if match[1] else line
        if content.rstrip() == match[3]:
            rest = "\n".join(lines[position + 1 :])
            return f"{text[: match.start()]} {rest}", "\n".join(body) + "\n"
        body.append(content)
    raise CurlError(f"The here-document does not end with {match[3]!r}. Is the command complete?")


def _arguments(text: str) -> list[str]:
    """The words of the first command in ``text``, as a shell would hand them over."""
    words = _Words(re.sub(r"\A[$#>%]\s+", "", text)).split()
    for position, (word, quoted) in enumerate(words):
        if not quoted and (word in _ENDS or re.fullmatch(r"\d?>>?&?\d?.*|&>.*", word)):
            words = words[:position]
            break
    return [word for word, _ in words]


class _Words:
    """Splits one command into words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def split(self) -> list[tuple[str, bool]]:
        words: list[tuple[str, bool]] = []
        while (word := self._word()) is not None:
            words.append(word)
        return words

    def _word(self) -> tuple[str, bool] | None:
        """The next word, and whether some of it was quoted."""
        text = self._text
        while text[self._position : self._position + 1].isspace() or text.startswith(
            "\\\n", self._position
        ):
            self._position += 2 if text[self._position] == "\\" else 1
        if self._position >= len(text):
            return None
        word, quoted = "", False
        while self._position < len(text):
            character = text[self._position]
            if character.isspace():
                break
            if character in "|;&" and not quoted:
                if word:
                    break
                self._position += 1
                return character, False
            if text.startswith("$'", self._position):
                word, quoted = word + self._ansi(), True
            elif character == "'":
                word, quoted = word + self._single(), True
            elif character == '"':
                word, quoted = word + self._double(), True
            elif character == "\\":
                word += text[self._position + 1 : self._position + 2].replace("\n", "")
                self._position += 2
            elif character in "$`":
                word += self._expansion()
            else:
                word += character
                self._position += 1
        return word, quoted

    def _single(self) -> str:
        end = self._text.find("'", self._position + 1)
        if end < 0:
            raise CurlError("A ' is not closed. Is the command complete?")
        part = self._text[self._position + 1 : end]
        self._position = end + 1
        return part

    def _double(self) -> str:
        part = ""
        self._position += 1
        while True:
            character = self._text[self._position : self._position + 1]
            if not character:
                raise CurlError('A " is not closed. Is the command complete?')
            if character == '"':
                self._position += 1
                return part
            if character == "\\":
                following = self._text[self._position + 1 : self._position + 2]
                if following == "\n":
                    following, character = "", ""
                part += following if following in ("$", "`", '"', "\\", "") else f"\\{following}"
                self._position += 2
            elif character in "$`":
                part += self._expansion()
            else:
                part += character
                self._position += 1

    def _ansi(self) -> str:
        """``$'…'``: what browsers write when they copy a request."""
        part = ""
        self._position += 2
        while True:
            character = self._text[self._position : self._position + 1]
            if not character:
                raise CurlError("A $' is not closed. Is the command complete?")
            self._position += 1
            if character == "'":
                # Browsers escape each half of a surrogate pair on its own.
                return part.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            if character != "\\":
                part += character
                continue
            letter = self._text[self._position : self._position + 1]
            self._position += 1
            number = re.compile(
                {"x": r"[0-9a-fA-F]{1,2}", "u": r"[0-9a-fA-F]{1,4}", "U": r"[0-9a-fA-F]{1,8}"}.get(
                    letter, r"(?!)"
                )
            ).match(self._text, self._position)
            if number:
                part += chr(int(number[0], 16))
                self._position = number.end()
            else:
                part += _ESCAPES.get(letter, f"\\{letter}")

    def _expansion(self) -> str:
        text, start = self._text, self._position
        if text[start] == "`" or text.startswith("$(", start):
            raise CurlError(
                "The command runs another one inside ($(…) or `…`), and nothing is run here. "
                "Put its result in its place, or a variable: $NAME."
            )
        match = _VARIABLE.match(text, start)
        if match is None:
            self._position += 1
            return "$"
        self._position = match.end()
        return f"{MARK}{match[1] or match[2]}{MARK}"
