"""Decides about requests; every framework's middleware is a thin layer over it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope

from auth_agent_mcp import answers
from auth_agent_mcp.access import Access, check_scopes
from auth_agent_mcp.allowed_caller import refuse_stranger
from auth_agent_mcp.assert_never import assert_never
from auth_agent_mcp.bearer import Absent, Malformed, Present, read_bearer_token
from auth_agent_mcp.body import Body
from auth_agent_mcp.config import parse_options
from auth_agent_mcp.core import Core
from auth_agent_mcp.cors import ANY_ORIGIN, HeaderList, answer_preflight, cors_headers, is_preflight, with_cors
from auth_agent_mcp.incoming import IncomingRequest
from auth_agent_mcp.introspection import Unavailable
from auth_agent_mcp.metadata import WELL_KNOWN, answer_metadata, is_metadata_path
from auth_agent_mcp.options import AuthAgentOptions
from auth_agent_mcp.resource import Resource
from auth_agent_mcp.response import Response
from auth_agent_mcp.rpc_scopes import has_tables
from auth_agent_mcp.sha256 import sha256
from auth_agent_mcp.verify_token import Active, Inactive

if TYPE_CHECKING:
    from typing_extensions import Unpack

_RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """Send this; the handler must not run."""

    response: Response


@dataclass(frozen=True, slots=True)
class Allowed:
    """The handler may run, with this `receive`."""

    access: Access
    receive: Receive


Decision = Answer | Allowed
"""What is to be done with a request."""


class Guard:
    """Decides about requests, with memories of its own."""

    __slots__ = ("_config", "_core", "_reads_bodies", "_reads_tokens_only")

    def __init__(self, core: Core) -> None:
        config = core.config
        self._config = config
        self._core = core
        self._reads_bodies = has_tables(config)
        asks_who_calls = config.allowed_hosts is not None or config.allowed_origins is not None
        self._reads_tokens_only = not self._reads_bodies and not asks_who_calls

    def __repr__(self) -> str:
        return f"<Guard of {self._config.server_id} at {self._config.issuer}>"

    def recall(self, scope: Scope) -> Access | None:
        """Gives the access of a request that `check` would allow because its token is remembered.

        None where more has to be looked at: this is what nearly every request costs, so it does nothing else.
        """
        resource = self._core.read_resource.known
        if resource is None or not self._reads_tokens_only:
            return None
        if scope.get("method") == "OPTIONS" or WELL_KNOWN in scope["path"]:
            return None
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        known = self._recall(values[0]) if len(values) == 1 else None
        if known is None:
            return None
        access = Access(known, resource, ANY_ORIGIN, self._core)
        return access if access.refuse_without(()) is None else None

    async def check(self, scope: Scope, receive: Receive) -> Decision:
        """Decides about an ASGI connection of type `http` or `websocket`. It raises only what `receive` raises."""
        request = IncomingRequest(scope)
        headers = cors_headers(request, self._config)
        body = Body(receive) if self._reads_bodies and scope["type"] == "http" else None
        try:
            decision = await self._decide(request, headers, body)
        except Exception:
            if body is not None and body.failure is not None:
                raise
            # A defect of ours must neither let anybody in nor take the server down.
            self._core.report("defect")
            return Answer(with_cors(answers.issuer_unavailable(_RETRY_AFTER_SECONDS), headers))
        if isinstance(decision, Response):
            return Answer(decision)
        return Allowed(decision, receive if body is None else body.receive)

    async def close(self) -> None:
        """Closes the connections to the issuer; a later request makes new ones."""
        await self._core.close()

    async def _decide(self, request: IncomingRequest, headers: HeaderList, body: Body | None) -> Access | Response:
        config = self._config
        stranger = refuse_stranger(request, config)
        if stranger is not None:
            return stranger
        if is_preflight(request):
            return answer_preflight(request, config)
        read_resource = self._core.read_resource
        resource = read_resource.known or await read_resource()
        if resource is None:
            return with_cors(answers.issuer_unavailable(_RETRY_AFTER_SECONDS), headers)
        if is_metadata_path(request):
            return with_cors(answer_metadata(request, resource), headers)
        verified = self._recall(request.raw_header(b"authorization")) or await self._identify(request, resource)
        if isinstance(verified, Response):
            return with_cors(verified, headers)
        access = Access(verified, resource, headers, self._core)
        return await check_scopes(access, request, body)

    def _recall(self, authorization: bytes | None) -> Active | None:
        """A token that is remembered needs no parsing: nothing else has its digest."""
        if authorization is None or not authorization.startswith(b"Bearer "):
            return None
        known = self._core.verify_token.recall(sha256(authorization[7:]))
        return known if isinstance(known, Active) else None

    async def _identify(self, request: IncomingRequest, resource: Resource) -> Active | Response:
        scopes = self._config.required_scopes
        bearer = read_bearer_token(request.header("authorization"))
        match bearer:
            case Absent():
                return answers.missing_token(scopes, resource.metadata_url)
            case Malformed():
                return answers.malformed_header(scopes, resource.metadata_url)
            case Present():
                verification = await self._core.verify_token(bearer.token, resource.server_url)
            case _:
                return assert_never(bearer)
        match verification:
            case Active():
                return verification
            case Inactive():
                if verification.misaddressed:
                    self._core.report("misaddressed")
                return answers.invalid_token(scopes, resource.metadata_url)
            case Unavailable():
                self._core.report(verification.reason)
                return answers.issuer_unavailable(verification.retry_after_seconds)
            case _:
                return assert_never(verification)


def create_guard(**options: "Unpack[AuthAgentOptions]") -> Guard:
    """Makes a guard with memories of its own.

    Raises:
        AuthAgentConfigError: For a missing or mistaken option.
    """
    return Guard(Core(parse_options(options)))
