"""The body of a request as far as it is JSON."""

import codecs
import json
from dataclasses import dataclass
from typing import Literal

from auth_agent_mcp.body import Body


@dataclass(frozen=True, slots=True)
class JsonText:
    """A body that begins like JSON."""

    text: str


NotJson = Literal["empty", "other", "too_large", "foreign_encoding", "incomplete"]
"""Nothing there; does not begin like JSON; too long; JSON, but not in UTF-8; the caller has gone."""

_BYTES_THAT_TELL_THE_ENCODING = 4


async def collect_json(body: Body, max_bytes: float) -> JsonText | NotJson:
    """Collects a body piece by piece.

    One that does not begin with `{` or `[` is left alone after its first bytes, whatever its size and content type.
    """
    beginning = await _read_beginning(body)
    # What json.loads does with bytes: Starlette's and FastAPI's request.json() take UTF-16 and UTF-32 as well.
    encoding = json.detect_encoding(beginning)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    text = decoder.decode(beginning).lstrip(" \t\r\n")
    pieces = [text]
    size_bytes = len(beginning)
    while text == "" or text[0] in "{[":
        if size_bytes > max_bytes:
            return "too_large"
        chunk = await body.read()
        if chunk is None:
            pieces.append(decoder.decode(b"", final=True))
            return _judge("".join(pieces), encoding) if body.is_whole else "incomplete"
        size_bytes += len(chunk)
        piece = decoder.decode(chunk)
        if text == "":
            text = piece = piece.lstrip(" \t\r\n")
        pieces.append(piece)
    return "other"


def _judge(text: str, encoding: str) -> JsonText | NotJson:
    if text == "":
        return "empty"
    # What ends in the middle of its first letter.
    if text[0] not in "{[":
        return "other"
    return JsonText(text) if encoding.startswith("utf-8") else "foreign_encoding"


async def _read_beginning(body: Body) -> bytes:
    """As many bytes as it takes to tell their encoding, or all there are."""
    beginning = b""
    while len(beginning) < _BYTES_THAT_TELL_THE_ENCODING and (chunk := await body.read()) is not None:
        beginning += chunk
    return beginning
