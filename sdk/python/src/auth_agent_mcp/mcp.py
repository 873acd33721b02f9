"""For servers built with the official `mcp` package (extra `mcp`)."""

from typing import TYPE_CHECKING, Any

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_agent_mcp.starlette import access_of
from auth_agent_mcp.verifier import IssuerUnavailableError, VerifiedToken, Verifier, VerifierOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["AuthAgentTokenVerifier", "IssuerUnavailableError", "McpUserMiddleware"]


class AuthAgentTokenVerifier:
    """A `TokenVerifier` for `MCPServer(token_verifier=…, auth=AuthSettings(…))`.

    `scopes` of its answers hold implied ones as well, `resource` is the audience, `subject` and `claims` say who it is.
    The token itself is kept back, so that no tool can pass it on (MCP 2026-07-28, Token Handling).
    """

    def __init__(self, **options: "Unpack[VerifierOptions]") -> None:
        """Makes one with memories of its own.

        Raises:
            AuthAgentConfigError: For a missing or mistaken option.
        """
        self._verifier = Verifier(type(self).__name__, options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._verifier!r}>"

    async def verify_token(self, token: str) -> AccessToken | None:
        """Gives what a token stands for; None where it is not good here.

        Raises:
            IssuerUnavailableError: Where the issuer could not be asked. Saying that the token is bad would make clients
                forget a good one.
        """
        verified = await self._verifier.verify(token)
        return None if verified is None else AccessToken(**describe(verified))

    async def close(self) -> None:
        """Closes the connections to the issuer."""
        await self._verifier.close()


class McpUserMiddleware:
    """Stands behind `AuthAgentMiddleware` and tells the `mcp` package who the person is.

    Its tools then find them with `get_access_token()`, and its sessions belong to them: another person who learns the
    id of a session cannot use it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = AuthContextMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers an ASGI connection.

        Raises:
            RuntimeError: Where it does not stand behind `AuthAgentMiddleware`.
        """
        if scope["type"] in ("http", "websocket"):
            access = access_of(scope)
            verified = VerifiedToken(access.user, tuple(access.scopes), access.server_url)
            scope["user"] = AuthenticatedUser(AccessToken(**describe(verified)))
        await self._app(scope, receive, send)


def describe(verified: VerifiedToken) -> dict[str, Any]:
    """The members of an `AccessToken`."""
    user = verified.user
    claims: dict[str, Any] = {"iss": user.issuer, "sub": user.sub, "client_id": user.client_id}
    if user.email is not None:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    return {
        "token": "",
        "client_id": user.client_id,
        "scopes": list(verified.scopes),
        "expires_at": int(user.expires_at),
        "resource": verified.server_url,
        "subject": user.sub,
        "claims": claims,
    }
