"""The issuer's public keys (RFC 7517)."""

import math
from collections.abc import Awaitable, Callable
from typing import Literal

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, import_key

from auth_agent_mcp.ask_issuer import AskIssuer
from auth_agent_mcp.config import Config
from auth_agent_mcp.json import is_list, is_record, parse_json
from auth_agent_mcp.read_text import read_text_up_to
from auth_agent_mcp.single_flight import Clock, SingleFlight, flight_seconds

FindKey = Callable[[str], Awaitable[ECKey | Literal["unknown", "unavailable"]]]
"""The public key of the issuer with this id. `unavailable`: there are no keys to look in."""

_MAX_DOCUMENT_BYTES = 65_536
_FRESH_SECONDS = 300  # what the issuer lets its document be cached for
# The longest life of a token: whatever was signed with keys as old as this has expired.
_STALE_SECONDS = 3_600
_PAUSE_SECONDS = 30
_PAUSE_WITHOUT_KEYS_SECONDS = 5
_OK = 200


def create_find_key(config: Config, ask: AskIssuer, clock: Clock) -> FindKey:
    """Keeps the issuer's keys.

    They are asked for again after five minutes, and for an id that is not among them, but at most once in 30 seconds,
    whoever invents ids. While that fails, the old ones stay good for an hour.
    """
    flights = SingleFlight[None](flight_seconds(config.timeout_ms), clock, None)
    keys: dict[str, ECKey] = {}
    read_at_seconds = -math.inf
    paused_until_seconds = 0.0

    async def refresh() -> None:
        nonlocal keys, read_at_seconds, paused_until_seconds
        read = await _read_keys(ask)
        if read:
            keys, read_at_seconds = read, clock()
        paused_until_seconds = clock() + (_PAUSE_SECONDS if keys else _PAUSE_WITHOUT_KEYS_SECONDS)

    async def find_key(kid: str) -> ECKey | Literal["unknown", "unavailable"]:
        is_fresh = clock() - read_at_seconds < _FRESH_SECONDS and kid in keys
        if not is_fresh and clock() >= paused_until_seconds:
            await flights.run("jwks", refresh)
        if clock() - read_at_seconds >= _STALE_SECONDS:
            return "unavailable"
        return keys.get(kid, "unknown")

    return find_key


async def _read_keys(ask: AskIssuer) -> dict[str, ECKey]:
    """Empty where the document cannot be had, or has no key that could have signed a token."""
    try:
        text = await ask.get("/.well-known/jwks.json", _read_document)
    except Exception:  # noqa: BLE001 - no keys, whatever the reason
        return {}
    document = None if text is None else parse_json(text)
    listed = document.get("keys") if is_record(document) else None
    keys: dict[str, ECKey] = {}
    for jwk in listed if is_list(listed) else []:
        _import_into(keys, jwk)
    return keys


async def _read_document(response: httpx.Response) -> str | None:
    return await read_text_up_to(response, _MAX_DOCUMENT_BYTES) if response.status_code == _OK else None


def _import_into(keys: dict[str, ECKey], jwk: object) -> None:
    """Only what ES256 can use: a key of another kind, or one that cannot be read, is passed over (RFC 7517 §5)."""
    if not is_record(jwk) or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        return
    kid, x, y = jwk.get("kid"), jwk.get("x"), jwk.get("y")
    if not isinstance(kid, str) or not isinstance(x, str) or not isinstance(y, str):
        return
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", "ES256") != "ES256" or kid in keys:
        return
    try:
        key = import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y}, "EC")
        # Made now: a point that is not on the curve is no key.
        _ = key.public_key
    except (JoseError, ValueError):
        return
    keys[kid] = key
