"""Scopes as RFC 6749 §3.3 has them."""

import re
from collections.abc import Iterable, Mapping

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def is_scope_token(scope: str) -> bool:
    """Whether a text is one scope as RFC 6749 §3.3 spells it: printable ASCII without space, quote and backslash."""
    return _SCOPE_TOKEN.fullmatch(scope) is not None


def split_scope(scope: str) -> tuple[str, ...]:
    """Gives the scopes of one text (RFC 6749 §3.3)."""
    return tuple(name for name in scope.split(" ") if name != "")


def join_scopes(*lists: Iterable[str]) -> tuple[str, ...]:
    """Gives the lists joined in order, each scope once."""
    return tuple(dict.fromkeys(scope for scopes in lists for scope in scopes))


def held_scopes(granted: Iterable[str], implications: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Gives the scopes that were granted with all they imply.

    Servers MUST account for scope hierarchies (MCP 2026-07-28, Authorization).
    """
    held = set(granted)
    # Only what was not held before is looked at again, so chains and circles of implications end.
    unseen = list(held) if implications else []
    while unseen:
        implied = set(implications.get(unseen.pop(), ())) - held
        held |= implied
        unseen += implied
    return frozenset(held)
