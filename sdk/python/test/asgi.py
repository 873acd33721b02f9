"""Drives an ASGI application as a server does, to the byte: no client in between that would mend anything."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
from starlette.types import ASGIApp, Message


@dataclass
class Answered:
    status: int = 0
    # Repeated ones joined, as the Fetch API shows them.
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    messages: list[Message] = field(default_factory=list[Message])

    @property
    def text(self) -> str:
        return self.body.decode()


def make_scope(url: str, method: str = "GET", headers: Iterable[tuple[str, str]] = (), **more: Any) -> dict[str, Any]:
    target = urlsplit(url)
    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in sent):
        sent.insert(0, (b"host", target.netloc.encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": target.scheme,
        "path": unquote(target.path),
        "raw_path": target.path.encode(),
        "query_string": target.query.encode(),
        "root_path": "",
        "headers": sent,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        **more,
    }


async def ask(app: ASGIApp, scope: dict[str, Any], chunks: Sequence[bytes] = (b"",)) -> Answered:
    """Sends one request, its body in these chunks, and gives what was answered."""
    answered = Answered()
    sent = iter(chunks)
    left = len(chunks)

    async def receive() -> Message:
        nonlocal left
        if left == 0:
            await anyio.sleep_forever()
        left -= 1
        return {"type": "http.request", "body": next(sent), "more_body": left > 0}

    async def send(message: Message) -> None:
        answered.messages.append(message)
        if message["type"].endswith("http.response.start"):
            answered.status = message["status"]
            for name_bytes, value_bytes in message["headers"]:
                assert name_bytes == name_bytes.lower(), "ASGI wants lower case"
                name, value = name_bytes.decode(), value_bytes.decode("latin-1")
                known = answered.headers.get(name)
                answered.headers[name] = value if known is None else f"{known}, {value}"
        # Servers send no body with the answer to HEAD, whatever the application says (RFC 9110 §9.3.2).
        elif message["type"].endswith("http.response.body") and scope["method"] != "HEAD":
            answered.body += message.get("body", b"")

    await app(scope, receive, send)
    return answered


def make_websocket(url: str, headers: Iterable[tuple[str, str]] = (), **more: Any) -> dict[str, Any]:
    scope = make_scope(url, headers=headers, **more)
    del scope["method"]
    return {**scope, "type": "websocket", "scheme": "wss", "subprotocols": []}


async def connect(app: ASGIApp, scope: dict[str, Any]) -> list[Message]:
    """Opens a WebSocket, and gives all that the application sent until it ended."""
    sent: list[Message] = []
    came = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}])

    async def receive() -> Message:
        return next(came)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


@asynccontextmanager
async def living(app: ASGIApp) -> AsyncGenerator[None, None]:
    """Starts an application, and shuts it down when the block ends, as a server does."""
    to_app, from_server = anyio.create_memory_object_stream[Message](2)
    from_app, to_server = anyio.create_memory_object_stream[Message](2)
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}

    async def run() -> None:
        await app(scope, from_server.receive, from_app.send)

    with to_app, from_server, from_app, to_server:
        async with anyio.create_task_group() as group:
            group.start_soon(run)
            for phase in ("startup", "shutdown"):
                await to_app.send({"type": f"lifespan.{phase}"})
                assert await to_server.receive() == {"type": f"lifespan.{phase}.complete"}
                if phase == "startup":
                    yield
