"""Answers of our own."""

from dataclasses import dataclass

from starlette.types import Scope, Send

from auth_agent_mcp.json import write_json

STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
"""The messages with which an answer begins."""

_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that is sent in place of the handler's.

    Attributes:
        headers: In the order in which they are sent, but for `content-length`.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


def json_response(status: int, value: object, headers: tuple[tuple[str, str], ...]) -> Response:
    """Makes an answer with a JSON body."""
    return Response(status, (*headers, ("Content-Type", "application/json")), write_json(value))


async def send_response(response: Response, scope: Scope, send: Send) -> None:
    """Sends an answer, to a WebSocket's handshake as well."""
    prefix = ""
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            # Before it was accepted a WebSocket can only be closed; the server makes a 403 of it.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
            return
        prefix = "websocket."
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
    if response.body != b"":
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": f"{prefix}http.response.start", "status": response.status, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": response.body})
