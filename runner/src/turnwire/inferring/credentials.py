"""Keeping the credentials of a pasted command out of what is printed: they become ``${NAME}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import attrs

from turnwire.inferring.curl import MARK
from turnwire.inferring.request import escape, without_references

_SECRET: Final = re.compile(
    r"auth|token|secret|passw|api[-_]?key|(?:^|[-_])key$|cookie|credential|session|signature|jwt",
    re.IGNORECASE,
)
_NOT_SECRET: Final = re.compile(r"max|limit|count|idempotency|_type$", re.IGNORECASE)
_SCHEME: Final = re.compile(r"(Bearer|Basic|Token|Key|ApiKey|JWT|DeepL-Auth-Key)\s+", re.IGNORECASE)
_SHELL: Final = re.compile(rf"{MARK}([A-Za-z_][A-Za-z0-9_]*){MARK}")
_COMMON_LABELS: Final = {"api", "www", "com", "co", "org", "net", "io", "ai", "dev", "app", "v1"}
_TEMPLATES: Final = ("body", "bodies", "messageTemplate", "opening")
_LEAST_SCRUBBED: Final = 8
"""Shorter credentials are words, too, that a config may have to say."""
_RANDOM: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_\-+/=.]{24,}")


@attrs.define
class Vault:
    """Takes credentials, gives out references, and keeps what each stands for.

    ``values`` is what the environment has to hold; it is never printed. Names in ``wanted`` were
    shell variables in the command: their values are not known here.
    """

    url: str = attrs.field(repr=False)
    values: dict[str, str] = attrs.field(factory=dict, repr=False)
    wanted: set[str] = attrs.field(factory=set)

    def header(self, name: str, value: str) -> str:
        """The value of a header as it may be written down."""
        if _has_shell_variable(value):
            return self._references(value)
        if not is_secret(name, value):
            return _literal(value)
        if name.lower() == "cookie":
            return self._hide("COOKIE", value)
        scheme = _SCHEME.match(value)
        prefix = scheme[0] if scheme else ""
        is_bearer = name.lower() in ("authorization", "proxy-authorization")
        return prefix + self._hide("API_KEY" if is_bearer else _as_name(name), value[len(prefix) :])

    def password(self, value: str) -> str:
        """A password as it may be written down."""
        return (
            self._references(value) if _has_shell_variable(value) else self._hide("PASSWORD", value)
        )

    def text(self, value: str) -> str:
        """A text that is no credential, but may name shell variables."""
        return self._references(value) if _has_shell_variable(value) else _literal(value)

    def query(self, query: Mapping[str, str]) -> dict[str, str]:
        """The parameters of a URL as they may be written down."""
        return {
            name: self._references(value)
            if _has_shell_variable(value)
            else self._hide(_as_name(name), value)
            if is_secret(name, value)
            else _literal(value)
            for name, value in query.items()
        }

    def body(self, template: Any, name: str = "") -> Any:
        """A body's template with placeholders for its shell variables and credentials."""
        match template:
            case dict():
                return {key: self.body(item, str(key)) for key, item in template.items()}
            case list():
                return [self.body(item, name) for item in template]
            case str() if _has_shell_variable(template):
                self.wanted.update(_SHELL.findall(template))
                return _SHELL.sub(r"{{env.\1}}", template)
            case str() if template and "{{" not in template and _is_secret_name(name):
                return f"{{{{env.{self._hide(_as_name(name), template)[2:-1]}}}}}"
        return template

    def scrubbed(self, value: Any, *, in_template: bool = False) -> Any:
        """A value without the credentials that stand in it once more, under whatever name.

        In templates of what is sent they become placeholders, elsewhere references.
        """
        match value:
            case str():
                for name, secret in self.values.items():
                    if len(secret) >= _LEAST_SCRUBBED and secret in value:
                        reference = f"{{{{env.{name}}}}}" if in_template else f"${{{name}}}"
                        value = value.replace(secret, reference)
                return value
            case dict():
                return {
                    key: self.scrubbed(item, in_template=in_template or key in _TEMPLATES)
                    for key, item in value.items()
                }
            case list():
                return [self.scrubbed(item, in_template=in_template) for item in value]
        return value

    def base_url(self) -> str:
        """The URL without user and password, and with references for its keys."""
        parts = urlsplit(self.url)
        netloc = parts.netloc.rpartition("@")[2]
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = parts.query
        if any(is_secret(name, value) or _has_shell_variable(value) for name, value in pairs):
            shown = self.query(dict(pairs))
            query = "&".join(
                f"{quote(name)}={quote(value, safe='${}')}" for name, value in shown.items()
            )
        rest = urlunsplit((parts.scheme, netloc, parts.path, query, ""))
        return self._references(rest) if _has_shell_variable(rest) else rest

    def _hide(self, suffix: str, value: str) -> str:
        prefix = _prefix(self.url)
        name = suffix if not prefix or suffix.startswith(prefix) else f"{prefix}_{suffix}"
        number = 2
        unique = name
        while self.values.get(unique, value) != value:
            unique, number = f"{name}_{number}", number + 1
        self.values[unique] = value
        return f"${{{unique}}}"

    def _references(self, value: str) -> str:
        parts = _SHELL.split(value)
        self.wanted.update(parts[1::2])
        return "".join(
            f"${{{part}}}" if index % 2 else _literal(part) for index, part in enumerate(parts)
        )


def is_secret(name: str, value: str) -> bool:
    """Whether a value is a credential, by its name or because it looks random."""
    if not value or _NOT_SECRET.search(name):
        return False
    return _is_secret_name(name) or _RANDOM.fullmatch(value) is not None


def _is_secret_name(name: str) -> bool:
    return _SECRET.search(name) is not None and not _NOT_SECRET.search(name)


def _literal(value: str) -> str:
    return str(without_references(escape(value)))


def _has_shell_variable(value: str) -> bool:
    return _SHELL.search(value) is not None


def _prefix(url: str) -> str:
    """``OPENAI`` for ``https://api.openai.com/…``; nothing for an address or a local name."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or ":" in host or re.fullmatch(r"[0-9.]+", host):
        return ""
    labels = [label for label in host.split(".")[:-1] if label not in _COMMON_LABELS]
    return _as_name(labels[-1]) if labels else ""


def _as_name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper().removeprefix("X_")
    return name if name[:1].isalpha() else f"KEY_{name}"
