"""The refusals, in the words of RFC 6750 and of MCP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from auth_agent_mcp.response import Response, json_response

_NO_STORE = ("Cache-Control", "no-store")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge in the words of RFC 6750 §3 and RFC 9728 §5.1."""

    scopes: Sequence[str]
    metadata_url: str
    error: Literal["invalid_request", "invalid_token", "insufficient_scope"] | None = None
    description: str = ""


def write_challenge(challenge: Challenge) -> str:
    """Gives the value of `WWW-Authenticate`.

    Nothing needs escaping: scopes, URLs and descriptions were checked to hold neither quote nor backslash when the
    middleware was made, and no part comes from a request.
    """
    parameters = (
        ("error", challenge.error),
        ("error_description", challenge.description),
        ("scope", " ".join(challenge.scopes)),
        ("resource_metadata", challenge.metadata_url),
    )
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters if value)


def missing_token(scopes: Sequence[str], metadata_url: str) -> Response:
    """RFC 6750 §3.1: no error code where the request held no credentials."""
    description = "This server needs an access token in the Authorization header."
    return refuse(
        401, "unauthorized", description, ("WWW-Authenticate", write_challenge(Challenge(scopes, metadata_url)))
    )


def malformed_header(scopes: Sequence[str], metadata_url: str) -> Response:
    """RFC 6750 §3.1: a request that is malformed is no request with a bad token."""
    description = "The Authorization header is malformed: it must be Bearer, one space and one access token."
    return _challenge(400, Challenge(scopes, metadata_url, "invalid_request", description))


def invalid_token(scopes: Sequence[str], metadata_url: str) -> Response:
    """RFC 6750 §3.1, without saying which of the reasons it is."""
    description = "The access token is malformed, expired, revoked or meant for another server."
    return _challenge(401, Challenge(scopes, metadata_url, "invalid_token", description))


def insufficient_scope(scopes: Sequence[str], metadata_url: str) -> Response:
    """All scopes that the request needs stand in one challenge (MCP 2026-07-28, Scope Challenge Handling)."""
    description = f"This request needs the scopes: {' '.join(scopes)}"
    return _challenge(403, Challenge(scopes, metadata_url, "insufficient_scope", description))


def issuer_unavailable(retry_after_seconds: int) -> Response:
    """An outage says nothing about the token (RFC 9110 §15.6.4)."""
    description = "The authorization server could not be asked about this token. Please try again."
    return refuse(503, "temporarily_unavailable", description, ("Retry-After", str(retry_after_seconds)))


def refuse(status: int, error: str, description: str, *headers: tuple[str, str]) -> Response:
    """Makes a refusal in OAuth's words (RFC 6749 §5.2)."""
    return json_response(status, {"error": error, "error_description": description}, (_NO_STORE, *headers))


def refuse_message(status: int, code: int, message: str, message_id: str | float | None) -> Response:
    """Makes a refusal in JSON-RPC's words, for what an MCP client reads itself."""
    body = {"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": message}}
    return json_response(status, body, (_NO_STORE,))


def _challenge(status: int, written: Challenge) -> Response:
    header = ("WWW-Authenticate", write_challenge(written))
    return refuse(status, str(written.error), written.description, header)
