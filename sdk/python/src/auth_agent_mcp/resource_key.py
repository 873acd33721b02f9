"""Which URIs mean the same resource."""

import re
from urllib.parse import quote

try:
    from pydantic_core import Url as _Url
except ImportError:
    # Where it is not installed, nobody looks resources up by what it makes of a URI.
    _Url = None

# Schemes whose URIs always have a host, however many slashes are written before it (WHATWG URL, special schemes).
_HAS_HOST = frozenset({"http:", "https:", "ws:", "wss:", "ftp:"})
_DEFAULT_PORT = re.compile(r"((?:http|ws):[^/?]*):(?:80)?(?=[/?]|\Z)|((?:https|wss):[^/?]*):(?:443)?(?=[/?]|\Z)")
_ENCODED_ASCII = re.compile("%([2-7][0-9a-f])", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:")
_HOST_AFTER_SLASHES = re.compile("//[^/]")
_DROPPED = dict.fromkeys([*range(0x21), 0x7F])
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_LOWER = {code: code + 0x20 for code in range(ord("A"), ord("Z") + 1)}


def resource_keys(uri: str) -> tuple[str, ...]:
    """Gives the keys of a URI: as it is written, and as `AnyUrl` reads it, which is what many servers look up."""
    written = resource_key(uri)
    if _Url is None:
        return (written,)
    try:
        parsed = resource_key(str(_Url(uri)))
    except ValueError:
        return (written,)
    return (written,) if parsed == written else (written, parsed)


def resource_key(uri: str) -> str:
    """Gives what all spellings of one resource have in common (RFC 3986 §6.2.2, and coarser).

    Servers differ in which spellings they take for the same, so this tells apart less than any of them: another
    spelling may be asked for scopes in vain, but does not go around them.
    """
    decoded = _ENCODED_ASCII.sub(lambda match: chr(int(match[1], 16)), uri)
    plain = decoded.translate(_DROPPED).replace("\\", "/")
    encoded = _FOREIGN.sub(lambda match: quote(match[0], errors="surrogatepass"), plain)
    folded = encoded.partition("#")[0].translate(_LOWER)
    before, question_mark, query = folded.partition("?")
    match = _SCHEME.match(before)
    scheme = "" if match is None else match[0]
    key = f"{scheme}{_walk_path(before[len(scheme) :], scheme)}{question_mark}{query}"
    port = _DEFAULT_PORT.match(key)
    return key if port is None else f"{port[1] or ''}{port[2] or ''}{key[port.end() :]}"


def _walk_path(path: str, scheme: str) -> str:
    """Host and path without empty parts, `.` and `..`; the host is no part that `..` could leave."""
    host_parts = 1 if scheme in _HAS_HOST or _HOST_AFTER_SLASHES.match(path) else 0
    parts: list[str] = []
    for part in path.split("/"):
        if part not in ("..", ".", ""):
            parts.append(part)
        elif part == ".." and len(parts) > host_parts:
            parts.pop()
    # RFC 8089 §2: the host of a file may be left out.
    if scheme == "file:" and host_parts == 1 and parts[:1] == ["localhost"]:
        del parts[0]
    return "/".join(parts)
