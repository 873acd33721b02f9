"""Asks the issuer about a token (RFC 7662)."""

import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import httpx

from auth_agent_mcp.ask_issuer import AskIssuer
from auth_agent_mcp.config import Config
from auth_agent_mcp.json import is_list, is_record, parse_json
from auth_agent_mcp.read_text import read_text_up_to
from auth_agent_mcp.scopes import split_scope
from auth_agent_mcp.user import User

UnavailableReason = Literal[
    "key_refused", "unreachable", "bad_status", "bad_answer", "server_url_unknown", "keys_unavailable"
]

_MAX_ANSWER_BYTES = 65_536
_RETRY_AFTER_SECONDS = 5
_MAX_RETRY_AFTER_SECONDS = 60
_JSON_TYPE = re.compile(r"application/(json|[^/]+\+json)", re.IGNORECASE)
_OK = 200
_REFUSALS_OF_THE_KEY = (401, 403)


@dataclass(frozen=True, slots=True)
class AnsweredActive:
    """The token is alive at the issuer; for whom it is meant is still to be judged."""

    audience: object
    user: User


@dataclass(frozen=True, slots=True)
class AnsweredInactive:
    """The token is not alive, or not as a bearer token."""

    definite: bool


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The issuer did not say."""

    reason: UnavailableReason
    retry_after_seconds: int = _RETRY_AFTER_SECONDS


Introspection = AnsweredActive | AnsweredInactive | Unavailable
"""What the issuer says of a token."""

Introspect = Callable[[str], Awaitable[Introspection]]


def create_introspect(config: Config, ask: AskIssuer) -> Introspect:
    """Makes the call of the issuer's introspection endpoint (RFC 7662). It never raises."""

    async def read(response: httpx.Response) -> Introspection:
        return await _read_answer(response, config)

    async def introspect(token: str) -> Introspection:
        form = {"token": token, "token_type_hint": "access_token"}
        try:
            return await ask.post_form("/introspect", read, form, config.credential)
        except Exception:  # noqa: BLE001 - whatever kept the issuer from answering, the token was not judged
            return Unavailable("unreachable")

    return introspect


async def _read_answer(response: httpx.Response, config: Config) -> Introspection:
    if response.status_code == _OK:
        text = await read_text_up_to(response, _MAX_ANSWER_BYTES) if _is_json(response) else None
        answer = None if text is None else parse_json(text)
        return _read_claims(answer, config) if is_record(answer) else Unavailable("bad_answer")
    # These are about our key, never about the caller's token.
    if response.status_code in _REFUSALS_OF_THE_KEY:
        return Unavailable("key_refused")
    return Unavailable("bad_status", _read_retry_after(response))


def _is_json(response: httpx.Response) -> bool:
    media_type = response.headers.get("content-type", "").partition(";")[0]
    return _JSON_TYPE.fullmatch(media_type.strip()) is not None


def _read_retry_after(response: httpx.Response) -> int:
    value = response.headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,9}", value) is None:
        return _RETRY_AFTER_SECONDS
    return min(max(int(value), 1), _MAX_RETRY_AFTER_SECONDS)


def _read_claims(answer: dict[str, object], config: Config) -> Introspection:
    if answer.get("active") is not True:
        return AnsweredInactive(definite=answer.get("active") is False)
    subject, client_id, expires_at = answer.get("sub"), answer.get("client_id"), answer.get("exp")
    scopes = _read_scopes(answer)
    if not isinstance(subject, str) or subject == "" or not isinstance(client_id, str) or scopes is None:
        return Unavailable("bad_answer")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float) or not math.isfinite(expires_at):
        return Unavailable("bad_answer")
    if answer.get("iss", config.issuer) != config.issuer or not _is_bearer(answer):
        return AnsweredInactive(definite=False)
    email = answer.get("email")
    email = email if isinstance(email, str) and email != "" else None
    user = User(
        sub=subject,
        issuer=config.issuer,
        email=email,
        email_verified=email is not None and answer.get("email_verified") is True,
        scopes=scopes,
        client_id=client_id,
        expires_at=expires_at,
    )
    return AnsweredActive(answer.get("aud"), user)


def _is_bearer(answer: dict[str, object]) -> bool:
    """A token bound to a key must not pass as a bearer token (RFC 9449 §7.1, RFC 8705 §3)."""
    token_type = answer.get("token_type", "bearer")
    return isinstance(token_type, str) and token_type.lower() == "bearer" and "cnf" not in answer


def _read_scopes(answer: dict[str, object]) -> tuple[str, ...] | None:
    """RFC 7662 §2.2 says one text; some servers send a list. None where it is neither."""
    scope = answer.get("scope", "")
    if isinstance(scope, str):
        return split_scope(scope)
    if not is_list(scope):
        return None
    names = tuple(name for name in scope if isinstance(name, str))
    return names if len(names) == len(scope) else None
