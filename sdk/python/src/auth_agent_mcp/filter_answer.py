"""Cuts the lists in a handler's answer down: JSON when it is whole, events as they come."""

import codecs
import re
from collections.abc import Callable
from typing import Literal

from starlette.types import Message, Scope, Send

from auth_agent_mcp.answers import refuse_message
from auth_agent_mcp.list_filter import ListFilter
from auth_agent_mcp.response import send_response

_JSON_TYPE = re.compile(r"application/([^/]+\+)?json")
# Ways to send a file past us (ASGI, extensions).
_SHORTCUTS = frozenset({"http.response.pathsend", "http.response.zerocopysend"})

AnswerForm = Literal["json", "events", "encoded", "other"]


def form_of_answer(content_type: str, content_encoding: str) -> AnswerForm:
    """How the body of an answer is read, by its headers."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "text/event-stream" and _JSON_TYPE.fullmatch(media_type) is None:
        return "other"
    # A list that cannot be read cannot be cut down, and is not sent.
    if content_encoding.lower() != "identity":
        return "encoded"
    return "events" if media_type == "text/event-stream" else "json"


def filter_answer(scope: Scope, send: Send, list_filter: ListFilter, encoded: Callable[[], None]) -> Send:
    """Gives the `send` through which the handler's answer goes.

    Args:
        scope: Of the request; the handler is no longer offered to send files by other ways than the body.
        send: Where the answer goes on.
        list_filter: What cuts it.
        encoded: Told when an answer cannot be read.
    """
    extensions = scope.get("extensions")
    if extensions:
        scope["extensions"] = {name: value for name, value in extensions.items() if name not in _SHORTCUTS}
    return _Filtering(scope, send, list_filter, encoded).send


class _Filtering:
    """One answer on its way."""

    __slots__ = ("_body", "_decoder", "_encoded", "_events", "_filter", "_form", "_scope", "_send", "_start")

    def __init__(self, scope: Scope, send: Send, list_filter: ListFilter, encoded: Callable[[], None]) -> None:
        self._scope = scope
        self._send = send
        self._filter = list_filter
        self._encoded = encoded
        self._events = list_filter.events()
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._form: AnswerForm | Literal["refused"] = "other"
        # Held back until it is known how long the body is, or that there is one.
        self._start: Message | None = None
        self._body: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] != "http.response.body" or self._form == "other":
            await self._send(message)
        else:
            await self._go_on(message.get("body", b""), is_last=not message.get("more_body", False))

    async def _begin(self, message: Message) -> None:
        headers = {bytes(name).lower(): bytes(value).decode("latin-1") for name, value in message.get("headers", ())}
        self._form = form_of_answer(headers.get(b"content-type", ""), headers.get(b"content-encoding", "identity"))
        if self._form in ("json", "encoded"):
            self._start = message
        elif self._form == "events":
            await self._send({**message, "headers": _without_length(message)})
        else:
            await self._send(message)

    async def _go_on(self, chunk: bytes, *, is_last: bool) -> None:
        match self._form:
            case "json":
                await self._collect(chunk, is_last=is_last)
            case "events":
                await self._pass(chunk, is_last=is_last)
            case "encoded":
                await self._refuse(chunk, is_last=is_last)
            case _:
                return

    async def _collect(self, chunk: bytes, *, is_last: bool) -> None:
        self._body.append(chunk)
        if not is_last:
            return
        body = self._filter.json(b"".join(self._body).decode("utf-8-sig", "replace")).encode()
        await self._send_start([(b"content-length", str(len(body)).encode())] if body else [])
        await self._send({"type": "http.response.body", "body": body})

    async def _pass(self, chunk: bytes, *, is_last: bool) -> None:
        passed = self._events.push(self._decoder.decode(chunk, final=is_last))
        passed += self._events.end() if is_last else ""
        if passed != "" or is_last:
            await self._send({"type": "http.response.body", "body": passed.encode(), "more_body": not is_last})

    async def _refuse(self, chunk: bytes, *, is_last: bool) -> None:
        if chunk == b"":
            if is_last:
                await self._send_start([])
                await self._send({"type": "http.response.body", "body": b""})
            return
        self._form = "refused"
        self._encoded()
        sentence = "Internal error: the answer was encoded before its lists could be filtered"
        await send_response(refuse_message(500, -32603, sentence, None), self._scope, self._send)

    async def _send_start(self, length: list[tuple[bytes, bytes]]) -> None:
        if self._start is not None:
            await self._send({**self._start, "headers": _without_length(self._start) + length})


def _without_length(message: Message) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in message.get("headers", ()) if name.lower() != b"content-length"]
