"""What is looked at of an ASGI connection."""

from urllib.parse import quote

from starlette.types import Scope

_LEFT_AS_THEY_ARE = "/:@!$&'()*+,;=~"


class IncomingRequest:
    """A request, or the handshake of a WebSocket; what is not asked for is not worked out.

    Attributes:
        method: In upper case.
    """

    __slots__ = ("_scope", "_values", "method")

    def __init__(self, scope: Scope) -> None:
        self.method: str = scope.get("method", "GET")
        self._scope = scope
        values: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            values[name] = b"%b, %b" % (values[name].strip(b" \t"), value) if name in values else value
        self._values = values

    @property
    def path(self) -> str:
        """As it was sent: percent-encoded, so that `%2f` stays what it is."""
        scope = self._scope
        raw: bytes | None = scope.get("raw_path")
        path = quote(scope["path"], safe=_LEFT_AS_THEY_ARE) if raw is None else raw.decode("latin-1").partition("?")[0]
        # Behind a proxy that takes a prefix away the server puts it before every path (ASGI, root_path).
        root: str = scope.get("root_path", "")
        return path.removeprefix(root) if root and path.startswith(f"{root}/") else path

    def may_be_below(self, path: str) -> bool:
        """Whether it is worth to look at `path`."""
        return path in self._scope["path"]

    def header(self, name: str) -> str | None:
        """A header by its name in lower case; several of one name joined by commas (RFC 9110 §5.3)."""
        value = self._values.get(name.encode())
        return None if value is None else value.decode("latin-1").strip(" \t")

    def raw_header(self, name: bytes) -> bytes | None:
        """The same as it came."""
        return self._values.get(name)
