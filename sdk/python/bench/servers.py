"""The servers that are measured."""

import json
import os
import socket
import sys
import threading
from typing import Any

import uvicorn
from fastapi import FastAPI
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.applications import Starlette
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth_agent_mcp import AuthAgentMiddleware


class Idle:
    """A middleware that does nothing."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Passes everything on."""
        await self._app(scope, receive, send)


class SaysYes:
    """A token verifier that does nothing."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Says yes."""
        return AccessToken(token=token, client_id="client", scopes=["files:read"])


async def answer(request: Request) -> Response:
    """Reads the call, as every MCP server does, and answers it."""
    await request.body()
    return Response(b'{"files":[]}', media_type="application/json")


def build(framework: str, variant: str, options: dict[str, Any]) -> Starlette:
    """Makes the application of one row."""
    app = FastAPI() if framework == "FastAPI" else Starlette()
    app.router.routes.append(Route("/mcp", answer, methods=["POST"]))
    if isinstance(app, FastAPI):
        app.router.routes.clear()
        app.add_api_route("/mcp", answer, methods=["POST"])
    match variant:
        case "idle middleware":
            app.add_middleware(Idle)
        case "protected":
            app.add_middleware(AuthAgentMiddleware, **options, cache_ttl_seconds=60)
        case "tool scopes":
            tables: dict[str, Any] = {"tool_scopes": {"write_file": ["files:write"]}}
            app.add_middleware(AuthAgentMiddleware, **options, **tables, cache_ttl_seconds=60)
        case "peer":
            app.add_middleware(RequireAuthMiddleware, required_scopes=["files:read"])
            app.add_middleware(AuthContextMiddleware)
            app.add_middleware(AuthenticationMiddleware, backend=BearerAuthBackend(SaysYes()))
        case _:
            pass
    return app


def end_with_the_parent() -> None:
    """Whoever started this holds its input open."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    # Said out loud: only then asyncio sends small pieces at once (TCP_NODELAY).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    config = uvicorn.Config(build(**order), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
