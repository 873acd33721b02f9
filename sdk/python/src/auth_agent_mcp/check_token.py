"""Verifies access tokens with the issuer's public keys alone (RFC 9068 §4)."""

import math
from typing import TYPE_CHECKING

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from auth_agent_mcp.access_token import read_token_header
from auth_agent_mcp.config import Config
from auth_agent_mcp.introspection import AnsweredActive, AnsweredInactive, Introspect, Introspection, Unavailable
from auth_agent_mcp.json import is_record, parse_json
from auth_agent_mcp.jwks import FindKey
from auth_agent_mcp.scopes import split_scope
from auth_agent_mcp.single_flight import Clock
from auth_agent_mcp.user import User

if TYPE_CHECKING:
    from typing_extensions import TypeIs

_CLOCK_TOLERANCE_SECONDS = 60
_MAX_LIFE_SECONDS = 3_600

# Nothing is remembered of a token that fails here: it costs no call, and keys and clocks change.
_REFUSED = AnsweredInactive(definite=False)


def create_check_token(config: Config, find_key: FindKey, clock: Clock) -> Introspect:
    """Verifies tokens: ES256 only, type `at+jwt`, every claim there, a life of an hour at most.

    The audience is told, not judged. Nobody that the token names is ever asked.
    """

    async def check_token(token: str) -> Introspection:
        header = read_token_header(token) or {}
        kid = header.get("kid")
        found = await find_key(kid) if isinstance(kid, str) else "unknown"
        if found == "unavailable":
            return Unavailable("keys_unavailable")
        # No extension is known here, so one that must be understood is not (RFC 7515 §4.1.11).
        if found == "unknown" or "crit" in header:
            return _REFUSED
        return _read_claims(_verify(token, found), config, clock())

    return check_token


def check_first(check_token: Introspect, introspect: Introspect) -> Introspect:
    """Asks the issuer only about tokens that it signed itself. Without its keys it is asked about every one."""

    async def ask(token: str) -> Introspection:
        checked = await check_token(token)
        return checked if isinstance(checked, AnsweredInactive) else await introspect(token)

    return ask


def _verify(token: str, key: ECKey) -> object:
    """The claims of a token whose signature is right."""
    try:
        verified = jws.deserialize_compact(token, key, algorithms=["ES256"])
    except (JoseError, ValueError):
        return None
    return parse_json(verified.payload.decode("utf-8", "replace"))


def _read_claims(claims: object, config: Config, now_seconds: float) -> Introspection:
    # A token bound to a key must not pass as a bearer token (RFC 9449 §7.1, RFC 8705 §3).
    if not is_record(claims) or claims.get("iss") != config.issuer or "cnf" in claims:
        return _REFUSED
    subject, client_id, scope = claims.get("sub"), claims.get("client_id"), claims.get("scope", "")
    if not _is_text(subject) or not _is_text(client_id) or not _is_text(claims.get("jti")):
        return _REFUSED
    expires_at = _read_end_of_life(claims, now_seconds)
    if expires_at is None or not isinstance(scope, str):
        return _REFUSED
    user = User(
        sub=str(subject),
        issuer=config.issuer,
        email=None,
        email_verified=False,
        scopes=split_scope(scope),
        client_id=str(client_id),
        expires_at=expires_at,
    )
    return AnsweredActive(claims.get("aud"), user)


def _read_end_of_life(claims: dict[str, object], now_seconds: float) -> float | None:
    """`exp`, where the times of a token are times, and such as may be (RFC 7519 §4.1)."""
    issued_at, expires_at, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", -math.inf)
    if not _is_number(issued_at) or not _is_number(expires_at) or not _is_number(not_before):
        return None
    latest_start = now_seconds + _CLOCK_TOLERANCE_SECONDS
    if max(issued_at, not_before) > latest_start or expires_at <= now_seconds - _CLOCK_TOLERANCE_SECONDS:
        return None
    # Without a call a revocation is only seen when the token ends, so one that lives long is not accepted.
    return expires_at if expires_at - issued_at <= _MAX_LIFE_SECONDS else None


def _is_text(claim: object) -> bool:
    return isinstance(claim, str) and claim != ""


def _is_number(claim: object) -> "TypeIs[float]":
    return isinstance(claim, int | float) and not isinstance(claim, bool)
