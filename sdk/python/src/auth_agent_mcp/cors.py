"""The headers without which a browser shows a page nothing (Fetch, CORS protocol)."""

import re

from auth_agent_mcp.config import Config
from auth_agent_mcp.incoming import IncomingRequest
from auth_agent_mcp.response import Response

HeaderList = tuple[tuple[str, str], ...]

# What MCP clients in browsers send, of 2026-07-28 and of the revisions before.
_ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "DPoP",
    "Last-Event-ID",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Mcp-Session-Id",
)
_EXPOSED_HEADERS = ("Access-Control-Expose-Headers", "WWW-Authenticate, Mcp-Session-Id, Retry-After, DPoP-Nonce")
_ANY_ORIGIN_ALONE = (("Access-Control-Allow-Origin", "*"),)

ANY_ORIGIN: HeaderList = (*_ANY_ORIGIN_ALONE, _EXPOSED_HEADERS)
"""The headers of every answer where any origin may ask."""

_ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_PREFLIGHT_SECONDS = 7200
_MAX_ASKED_CHARACTERS = 4096
_PARAMETER_HEADER = re.compile(r"mcp-param-[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.IGNORECASE | re.ASCII)


def is_preflight(request: IncomingRequest) -> bool:
    """Whether a browser sent this before a request. Any other OPTIONS needs a token like every request."""
    asks = ("origin", "access-control-request-method")
    return request.method == "OPTIONS" and all(request.header(name) is not None for name in asks)


def answer_preflight(request: IncomingRequest, config: Config) -> Response:
    """Answered before authentication, because browsers send preflights without credentials."""
    asked = request.header("access-control-request-headers") or ""
    headers = (
        ("Access-Control-Allow-Methods", _ALLOWED_METHODS),
        ("Access-Control-Allow-Headers", ", ".join((*_ALLOWED_HEADERS, *_parameter_headers(asked)))),
        ("Access-Control-Max-Age", str(_PREFLIGHT_SECONDS)),
        ("Vary", "Access-Control-Request-Headers"),
    )
    return with_cors(Response(204, headers), _origin_headers(request, config))


def cors_headers(request: IncomingRequest, config: Config) -> HeaderList:
    """The headers of every answer, refusals included.

    Never credentials: a token is sent by the page, not the browser.
    """
    if config.allowed_origins is None:
        return ANY_ORIGIN
    return (*_origin_headers(request, config), _EXPOSED_HEADERS)


def encode_headers(headers: HeaderList) -> tuple[tuple[bytes, bytes], ...]:
    """Gives the headers as ASGI wants them."""
    return _ANY_ORIGIN_ENCODED if headers is ANY_ORIGIN else _encode(headers)


def with_cors(response: Response, headers: HeaderList) -> Response:
    """Gives the response with these headers; `Vary` is added to the one it has."""
    merged = dict(response.headers)
    for name, value in headers:
        merged[name] = f"{merged[name]}, {value}" if name == "Vary" and name in merged else value
    return Response(response.status, tuple(merged.items()), response.body)


def _origin_headers(request: IncomingRequest, config: Config) -> HeaderList:
    if config.allowed_origins is None:
        return _ANY_ORIGIN_ALONE
    origin = request.header("origin")
    # Only origins from the list come as far as this.
    return (("Vary", "Origin"),) if origin is None else (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))


def _encode(headers: HeaderList) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers)


# What nearly every answer gets.
_ANY_ORIGIN_ENCODED = _encode(ANY_ORIGIN)


def _parameter_headers(asked: str) -> list[str]:
    """`Mcp-Param-…` headers (MCP 2026-07-28, Streamable HTTP) have names that only the tools know."""
    names = (name.strip() for name in asked[:_MAX_ASKED_CHARACTERS].split(","))
    return [name for name in names if _PARAMETER_HEADER.fullmatch(name)]
