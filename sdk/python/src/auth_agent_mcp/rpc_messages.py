"""The JSON-RPC messages of a request."""

import base64
import re
from dataclasses import dataclass
from typing import Literal

from auth_agent_mcp.body import Body
from auth_agent_mcp.incoming import IncomingRequest
from auth_agent_mcp.json import is_list, is_record, parse_json
from auth_agent_mcp.json_text import JsonText, collect_json

Message = dict[str, object]


@dataclass(frozen=True, slots=True)
class Read:
    """The messages, none for a body that does not begin like JSON."""

    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why the messages cannot be had."""

    reason: Literal["too_large", "encoded", "foreign_charset", "not_json", "incomplete"]


@dataclass(frozen=True, slots=True)
class HeaderMismatch:
    """A header says something else than the body."""

    header: Literal["Mcp-Method", "Mcp-Name"]
    message_id: str | float | None


RpcMessages = Read | Unreadable | HeaderMismatch

# RFC 8259 §8.1. A handler that believes in another charset might read another name.
_CHARSETS_OF_JSON = re.compile(r"utf-?8|us-ascii")
# The ones in which a text that does not begin like JSON does not begin like it in any reading.
_CHARSETS_OF_OTHER_TEXTS = re.compile(r"utf-?8|us-ascii|iso-8859-[0-9]{1,2}|windows-125[0-9]")
_SAID_CHARSET = re.compile(r"charset[*\s]*=[\s\"]*([^\s\";,]*)", re.ASCII)
_BASE64_NAME = re.compile(r"=\?base64\?([0-9A-Za-z+/]*={0,2})\?=")


async def read_messages(request: IncomingRequest, body: Body, max_bytes: float) -> RpcMessages:
    """Reads a JSON-RPC body, single or batch.

    The content type is not asked: a handler might not ask either. A body that begins like JSON and is none is refused,
    because what we cannot read somebody else might.
    """
    read = await collect_json(body, max_bytes)
    if read == "empty":
        return Read([])
    if read == "incomplete":
        return Unreadable("incomplete")
    encoding = request.header("content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        return Unreadable("encoded")
    if read == "too_large":
        return Unreadable("too_large")
    if not _says_only(_CHARSETS_OF_OTHER_TEXTS if read == "other" else _CHARSETS_OF_JSON, request):
        return Unreadable("foreign_charset")
    match read:
        case JsonText():
            return _check_body(parse_json(read.text), request)
        case "other":
            return Read([])
        case _:
            return Unreadable("not_json")


def _says_only(charsets: re.Pattern[str], request: IncomingRequest) -> bool:
    """Whether each `charset` of the content type, wherever a parser might find one, is among these."""
    said = _SAID_CHARSET.findall((request.header("content-type") or "").lower())
    return all(charsets.fullmatch(charset) for charset in said)


def _check_body(parsed: object, request: IncomingRequest) -> RpcMessages:
    if parsed is None:
        return Unreadable("not_json")
    messages = parsed if is_list(parsed) else [parsed]
    return _find_mismatch(parsed, request) or Read([message for message in messages if is_record(message)])


def _find_mismatch(parsed: object, request: IncomingRequest) -> HeaderMismatch | None:
    """Headers that mirror the body must agree with it (MCP 2026-07-28, Streamable HTTP, Server Validation)."""
    message: Message = parsed if is_record(parsed) else {}
    method, name = request.header("mcp-method"), request.header("mcp-name")
    if method is not None and method != message.get("method"):
        return HeaderMismatch("Mcp-Method", _id_of(message))
    params = message.get("params")
    expected = params.get(_mirrored_member(message.get("method"))) if is_record(params) else None
    if name is not None and (expected is None or _decode_name(name) != expected):
        return HeaderMismatch("Mcp-Name", _id_of(message))
    return None


def _mirrored_member(method: object) -> str:
    """The member of `params` that `Mcp-Name` repeats (MCP 2026-07-28, Standard Request Headers; SEP-2663 for tasks)."""
    match method:
        case "resources/read":
            return "uri"
        case "tasks/get" | "tasks/update" | "tasks/cancel":
            return "taskId"
        case _:
            return "name"


def _id_of(message: Message) -> str | float | None:
    message_id = message.get("id")
    if isinstance(message_id, bool) or not isinstance(message_id, str | int | float):
        return None
    return message_id


def _decode_name(value: str) -> str | None:
    """`=?base64?…?=` carries a name that is no plain ASCII; None where it carries none."""
    match = _BASE64_NAME.fullmatch(value)
    if match is None:
        return value
    encoded = match[1].rstrip("=") if len(match[1]) % 4 == 0 else match[1]
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except ValueError:
        return None
