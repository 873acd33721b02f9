"""Reads the `Authorization` header."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Absent:
    """No header, or another scheme: no credentials that concern us."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A header that is no Bearer credential in any reading."""


@dataclass(frozen=True, slots=True)
class Present:
    """A header with one token."""

    token: str


BearerToken = Absent | Malformed | Present

_SCHEME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_B64TOKEN = re.compile(r"[0-9A-Za-z\-._~+/]+=*")


def read_bearer_token(authorization: str | None) -> BearerToken:
    """Reads the Bearer token of a request (RFC 6750 §2.1, RFC 9110 §11.4).

    Every expression here reads a character once, so a long header costs linear time. The query, the body and cookies
    are never looked at.
    """
    if authorization is None:
        return Absent()
    scheme, space, rest = authorization.partition(" ")
    if _SCHEME.fullmatch(scheme) is None:
        return Malformed()
    if scheme.lower() != "bearer":
        return Absent()
    token = rest.lstrip(" ")
    # Two headers arrive joined by a comma, which is no character of a token.
    return Present(token) if space and _B64TOKEN.fullmatch(token) else Malformed()
