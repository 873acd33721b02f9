"""The middleware for FastAPI, Starlette and everything else that speaks ASGI."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from anyio.lowlevel import current_token
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_agent_mcp.access import Access
from auth_agent_mcp.config import parse_options, scope_list
from auth_agent_mcp.core import Core
from auth_agent_mcp.guard import Answer, Guard
from auth_agent_mcp.options import AuthAgentConfigError, AuthAgentOptions
from auth_agent_mcp.response import send_response
from auth_agent_mcp.user import User

if TYPE_CHECKING:
    from typing_extensions import Unpack

_ACCESS = "auth_agent_mcp.access"


class AuthAgentMiddleware:
    """Protects everything behind it and serves the RFC 9728 metadata.

    `app.add_middleware(AuthAgentMiddleware, server_id=…, api_key=…)`. Handlers find the person in
    `request.state.user`. Streams, of requests and of answers, go through untouched.
    """

    def __init__(self, app: ASGIApp, **options: "Unpack[AuthAgentOptions]") -> None:
        """Wraps an application.

        Args:
            app: What is to be protected.
            **options: See `AuthAgentOptions`.

        Raises:
            AuthAgentConfigError: For a missing or mistaken option. Where a framework makes its middleware inside the
                server's loop, as FastAPI and Starlette do, it is told to the server, which then does not start.
        """
        self.app = app
        self._mistake: AuthAgentConfigError | None = None
        try:
            self._guard = Guard(Core(parse_options(options)))
        except AuthAgentConfigError as error:
            if not _is_in_a_loop():
                raise
            # Raised now it would pass for "this application knows no lifespan", and the server would run.
            self._mistake = error

    def __repr__(self) -> str:
        return "<AuthAgentMiddleware without options>" if self._mistake else f"<AuthAgentMiddleware {self._guard!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers an ASGI connection.

        Raises:
            AuthAgentConfigError: See `__init__`.
            ValueError: For a kind of connection that it does not know how to protect.
        """
        match scope["type"]:
            case "http" | "websocket":
                await self._protect(scope, receive, send)
            case "lifespan":
                await self._live(scope, receive, send)
            case _:
                raise ValueError("AuthAgentMiddleware protects http and websocket; this is something else")

    async def _protect(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._mistake is not None:
            raise self._mistake
        # Nobody before us says who the person is.
        scope.pop(_ACCESS, None)
        state = scope.setdefault("state", {})
        state.pop("user", None)
        access = self._guard.recall(scope)
        if access is None:
            decision = await self._guard.check(scope, receive)
            if isinstance(decision, Answer):
                if scope["type"] == "websocket":
                    await receive()
                await send_response(decision.response, scope, send)
                return
            access, receive = decision.access, decision.receive
        scope[_ACCESS] = access
        state["user"] = access.user
        await self.app(scope, receive, access.finish(scope, send))

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        mistake = self._mistake
        if mistake is not None:
            await receive()
            await send({"type": "lifespan.startup.failed", "message": f"{type(mistake).__name__}: {mistake}"})
            raise mistake
        await self.app(scope, receive, closing_before_the_end(send, self._guard.close))


def require_scopes(*scopes: str) -> Callable[[HTTPConnection], Awaitable[User]]:
    """Lets a request to one route pass only with these scopes.

    In FastAPI it is a dependency: `@app.put("/files", dependencies=[Depends(require_scopes("files:write"))])`, or, as
    a parameter, the user: `user: Annotated[User, Depends(require_scopes("files:write"))]`. In Starlette the handler
    awaits it: `user = await needs_write(request)`. The answer is then the 403 that the middleware itself would give.

    Returns:
        A function from a request, or a WebSocket, to its user. It raises `HTTPException` where a scope is missing, and
        `RuntimeError` where it does not stand behind `AuthAgentMiddleware`.

    Raises:
        AuthAgentConfigError: For a scope that RFC 6749 §3.3 does not allow.
    """
    needed = scope_list("require_scopes", scopes)

    async def required_scopes(connection: HTTPConnection) -> User:
        """Gives the user.

        Raises:
            HTTPException: The 403, where a scope is missing.
            RuntimeError: Where this does not stand behind `AuthAgentMiddleware`.
        """
        access = access_of(connection.scope)
        refusal = access.refuse_without(needed)
        if refusal is None:
            return access.user
        access.refusal = refusal
        raise HTTPException(refusal.status, "insufficient_scope", dict(refusal.headers))

    return required_scopes


def closing_before_the_end(send: Send, close: Callable[[], Awaitable[None]]) -> Send:
    """Closes something with the application."""

    async def send_closed(message: Message) -> None:
        # Before the server hears of the end: afterwards its loop may not run on.
        if message["type"].startswith("lifespan.shutdown"):
            await close()
        await send(message)

    return send_closed


def access_of(scope: Scope) -> Access:
    """What a request may do, put there by the middleware.

    Raises:
        RuntimeError: Where the middleware has not run.
    """
    access = scope.get(_ACCESS)
    if not isinstance(access, Access):
        raise RuntimeError("this stands before AuthAgentMiddleware, or without it")  # noqa: TRY004 - no type is wrong
    return access


def _is_in_a_loop() -> bool:
    try:
        current_token()
    except RuntimeError:
        return False
    return True
