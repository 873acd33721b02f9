"""For servers built with `fastmcp` (extra `fastmcp`)."""

from typing import TYPE_CHECKING, cast

from fastmcp.server.auth import AccessToken, TokenVerifier
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_agent_mcp.answers import refuse
from auth_agent_mcp.guard import Answer, Guard
from auth_agent_mcp.mcp import describe
from auth_agent_mcp.options import AuthAgentConfigError
from auth_agent_mcp.resource import Resource, describe_resource
from auth_agent_mcp.response import send_response
from auth_agent_mcp.starlette import closing_before_the_end
from auth_agent_mcp.verifier import IssuerUnavailableError, Verifier, VerifierOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastmcp.server.auth.auth import TokenVerificationError
    from typing_extensions import Unpack

else:
    try:
        from fastmcp.server.auth.auth import TokenVerificationError
    except ImportError:
        # Before 4.2 FastMCP had no word for it.
        TokenVerificationError = Exception

__all__ = ["AuthAgentTokenVerifier", "FastMcpOptions", "IssuerUnavailableError"]


class FastMcpOptions(VerifierOptions, total=False):
    """The options of a verifier, and what FastMCP itself asks of every request. `server_url` is needed."""

    required_scopes: "Sequence[str]"


class _UnavailableError(IssuerUnavailableError, TokenVerificationError):
    """In FastMCP's words as well: where it has other verifiers to ask, it asks them."""


class AuthAgentTokenVerifier(TokenVerifier):
    """A `TokenVerifier` for `FastMCP(auth=…)`, which also serves the RFC 9728 metadata of the server.

    `scopes` of its answers hold implied ones as well, `resource` is the audience, `subject` and `claims` say who it is.
    The token itself is kept back, so that no tool can pass it on (MCP 2026-07-28, Token Handling).
    """

    def __init__(self, **options: "Unpack[FastMcpOptions]") -> None:
        """Makes one with memories of its own.

        Raises:
            AuthAgentConfigError: For a missing or mistaken option.
        """
        self._verifier = Verifier(type(self).__name__, options, also_known=("required_scopes",))
        config = self._verifier.core.config
        if config.server_url is None:
            raise AuthAgentConfigError("server_url is missing: FastMCP wants to know it before the first request")
        self._resource = describe_resource(config, config.server_url)
        super().__init__(required_scopes=list(config.required_scopes))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._verifier!r}>"

    async def verify_token(self, token: str) -> AccessToken | None:
        """Gives what a token stands for; None where it is not good here.

        Raises:
            IssuerUnavailableError: Where the issuer could not be asked; a `TokenVerificationError` of FastMCP 4.2 too.
                Saying that the token is bad would make clients forget a good one.
        """
        try:
            verified = await self._verifier.verify(token)
        except IssuerUnavailableError as error:
            raise _UnavailableError(str(error)) from None
        return None if verified is None else AccessToken(**describe(verified))

    def get_routes(self, mcp_path: str | None = None) -> list[Route]:
        """Gives the routes of the metadata, at the path form and the root form.

        Raises:
            AuthAgentConfigError: Where `server_url` does not end with the path of the MCP endpoint.
        """
        self.resource_base_url = _base_of(self._resource, mcp_path or "")
        self.set_mcp_path(mcp_path)
        metadata = _Metadata(Guard(self._verifier.core))
        return [Route(path, metadata) for path in self._resource.metadata_paths]

    def get_middleware(self) -> list[Middleware]:
        """Gives FastMCP's own middleware, and one that closes the connections to the issuer with the application."""
        inherited = cast("list[Middleware]", super().get_middleware())  # pyright: ignore[reportUnknownMemberType]
        return [*inherited, Middleware(_CloseWithApplication, self._verifier)]

    async def close(self) -> None:
        """Closes the connections to the issuer; a later call makes new ones."""
        await self._verifier.close()


class _CloseWithApplication:
    def __init__(self, app: ASGIApp, verifier: Verifier) -> None:
        self._app = app
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            send = closing_before_the_end(send, self._verifier.close)
        await self._app(scope, receive, send)


class _Metadata:
    """Answers what needs no token, and nothing else."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        decision = await self._guard.check(scope, receive)
        response = (
            decision.response if isinstance(decision, Answer) else refuse(404, "not_found", "There is nothing here.")
        )
        await send_response(response, scope, send)


def _base_of(resource: Resource, mcp_path: str) -> AnyHttpUrl:
    path = mcp_path.rstrip("/")
    if not resource.server_url.endswith(path):
        raise AuthAgentConfigError(f"server_url must end with the path of the MCP endpoint, {path}")
    return AnyHttpUrl(resource.server_url.removesuffix(path))
