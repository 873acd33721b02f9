"""What a request that may pass has been granted."""

from collections.abc import Iterable, Sequence

from starlette.types import Message as AsgiMessage
from starlette.types import Scope, Send

from auth_agent_mcp import answers
from auth_agent_mcp.assert_never import assert_never
from auth_agent_mcp.body import Body
from auth_agent_mcp.core import Core
from auth_agent_mcp.cors import HeaderList, encode_headers, with_cors
from auth_agent_mcp.filter_answer import filter_answer
from auth_agent_mcp.incoming import IncomingRequest
from auth_agent_mcp.list_filter import ListFilter, create_list_filter
from auth_agent_mcp.resource import Resource
from auth_agent_mcp.response import STARTS, Response, send_response
from auth_agent_mcp.rpc_messages import HeaderMismatch, Read, Unreadable, read_messages
from auth_agent_mcp.rpc_scopes import scopes_of_message
from auth_agent_mcp.scopes import join_scopes
from auth_agent_mcp.verify_token import Active


class Access:
    """What a request that may pass has been granted.

    Attributes:
        user: The person it acts for.
        scopes: The scopes of the token with all they imply.
        headers: Headers that the handler's answer gets too, unless it has its own.
        list_filter: How lists in the handler's answer are cut down; None where nothing is.
        refusal: The 403 that is sent in place of the one into which a framework turns an exception.
    """

    __slots__ = ("_core", "_resource", "headers", "list_filter", "refusal", "scopes", "user")

    def __init__(self, verified: Active, resource: Resource, headers: HeaderList, core: Core) -> None:
        self._core = core
        self._resource = resource
        self.user = verified.user
        self.scopes = verified.held
        self.headers = headers
        self.list_filter: ListFilter | None = None
        self.refusal: Response | None = None

    @property
    def server_url(self) -> str:
        """The registered URL of this server, for which the token was issued."""
        return self._resource.server_url

    @property
    def metadata_url(self) -> str:
        """Where the RFC 9728 metadata is."""
        return self._resource.metadata_url

    def refuse_without(self, scopes: Sequence[str]) -> Response | None:
        """Gives the 403 to send where these scopes are not held, together with the ones every request needs."""
        required = self._core.config.required_scopes
        # All that this request needs in one challenge: asking piece by piece costs the person a consent page each time.
        needed = join_scopes(required, scopes) if scopes else required
        if self.scopes.issuperset(needed):
            return None
        return with_cors(answers.insufficient_scope(needed, self._resource.metadata_url), self.headers)

    async def refuse_for(self, request: IncomingRequest, body: Body) -> Response | None:
        """Reads what the request calls, and gives the answer to send where it must not, or cannot be read."""
        config = self._core.config
        read = await read_messages(request, body, config.max_body_bytes)
        match read:
            case Read():
                self.list_filter = create_list_filter(read.messages, self.scopes, config)
                return self.refuse_without([scope for one in read.messages for scope in scopes_of_message(one, config)])
            case Unreadable():
                return with_cors(_UNREADABLE[read.reason], self.headers)
            case HeaderMismatch():
                message = f"Header mismatch: {read.header} does not match the body"
                return with_cors(answers.refuse_message(400, -32020, message, read.message_id), self.headers)
            case _:
                return assert_never(read)

    def finish(self, scope: Scope, send: Send) -> Send:
        """Gives the `send` for the handler: its answer gets `headers`, and `list_filter` is applied."""
        is_replaced = False

        async def send_finished(message: AsgiMessage) -> None:
            nonlocal is_replaced
            if message["type"] in STARTS:
                if self.refusal is not None and message["status"] == self.refusal.status:
                    is_replaced = True
                    await send_response(self.refusal, scope, send)
                    return
                message = {**message, "headers": _add_headers(message.get("headers", ()), self.headers)}
            if not is_replaced:
                await send(message)

        if self.list_filter is None:
            return send_finished
        return filter_answer(scope, send_finished, self.list_filter, lambda: self._core.report("answer_encoded"))


async def check_scopes(access: Access, request: IncomingRequest, body: Body | None) -> Access | Response:
    """Gives the access, or the answer that refuses it for want of a scope that this request needs."""
    refusal = access.refuse_without(()) if body is None else await access.refuse_for(request, body)
    return access if refusal is None else refusal


_UNREADABLE = {
    "too_large": answers.refuse(413, "too_large", "The request body is too large."),
    "encoded": answers.refuse(415, "unsupported", "Send the request body without Content-Encoding."),
    "foreign_charset": answers.refuse(415, "unsupported", "Send the request body in UTF-8."),
    "not_json": answers.refuse_message(400, -32700, "Parse error: the body is not JSON", None),
    # Nobody is there to read it; the handler must not run on half of what was said.
    "incomplete": answers.refuse(400, "invalid_request", "The request body ended early."),
}


def _add_headers(present: Iterable[tuple[bytes, bytes]], headers: HeaderList) -> list[tuple[bytes, bytes]]:
    """`Vary` is added to, what else the handler has set itself stays."""
    merged = list(present)
    names = {name for name, _ in merged}
    merged += [header for header in encode_headers(headers) if header[0] not in names or header[0] == b"vary"]
    return merged
