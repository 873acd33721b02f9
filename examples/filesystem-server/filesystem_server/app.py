"""The whole example."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from auth_agent_mcp import AuthAgentMiddleware, require_scopes
from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from mcp.server import MCPServer
from starlette.exceptions import HTTPException
from starlette.routing import Route

from filesystem_server.file_name import FileRefused
from filesystem_server.file_tools import create_file_tools
from filesystem_server.settings import Settings
from filesystem_server.shared_folder import SharedFolder

__all__ = ["create_app"]

MAX_BODY_BYTES = 1_048_576


def create_app(settings: Settings, folder: SharedFolder) -> FastAPI:
    """Makes the app.

    Raises:
        AuthAgentConfigError: Without credentials: it does not run open.
    """
    server_id, api_key = settings.server_id, settings.api_key
    tools = create_file_tools(folder)
    app = FastAPI(lifespan=lambda _: tools.session_manager.run(), openapi_url=None)

    options = _options(settings)
    # region protect
    app.add_middleware(
        AuthAgentMiddleware, server_id=server_id, api_key=api_key, required_scopes=["files:read"], **options
    )
    app.router.routes.extend(_mcp_routes(tools))

    @app.get("/api/files")
    def list_files(request: Request) -> dict[str, Any]:
        return {"user": request.state.user.sub, "files": folder.list()}

    # endregion protect

    writers = [Depends(require_scopes("files:write"))]

    @app.put("/api/files/{name:path}", dependencies=writers)
    async def put_file(name: str, request: Request) -> dict[str, str]:
        # What is no UTF-8 is carried along and refused where a text is.
        text = (await _read_body(request)).decode(errors="surrogateescape")
        await run_in_threadpool(folder.write, name, text)
        return {"name": name}

    app.exception_handlers.update({HTTPException: _http_problem, FileRefused: _refusal, Exception: _trouble})
    # Made now instead of at the first request, so that a mistaken option is told to whoever starts this.
    app.middleware_stack = app.build_middleware_stack()
    return app


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413)
    return bytes(body)


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "issuer": settings.issuer,
        "server_url": settings.server_url,
        "tool_scopes": {"write_file": ["files:write"], "delete_file": ["files:delete"]},
        "scope_implications": {"files:write": ["files:read"], "files:delete": ["files:read"]},
        "max_body_bytes": MAX_BODY_BYTES,
        # A web page that lets its own name point at this machine sends that name (DNS rebinding).
        "allowed_hosts": [urlsplit(settings.server_url).hostname, "localhost", "127.0.0.1", "[::1]"],
    }


def _mcp_routes(tools: MCPServer) -> list[Route]:
    # Stateless: nothing is kept between requests, so only POST has a meaning. With no host, the package leaves hosts to
    # the middleware, which looks at them for every path.
    tools.streamable_http_app(stateless_http=True, json_response=True, max_request_body_size=MAX_BODY_BYTES, host="")
    endpoint = tools.session_manager.asgi_app
    # `/mcp/` is `/mcp`: clients use both.
    return [Route(path, endpoint, methods=["POST"]) for path in ("/mcp", "/mcp/")]


def _http_problem(_: Request, problem: HTTPException) -> Response:
    known = {
        404: ("not_found", "The MCP endpoint is /mcp."),
        405: ("method_not_allowed", "This path does not know that method."),
        413: ("too_large", "The file is too large."),
    }
    error, description = known.get(problem.status_code, ("invalid_request", str(problem.detail)))
    return _answer(problem.status_code, error, description, problem.headers)


def _refusal(_: Request, refused: FileRefused) -> Response:
    return _answer(400, "invalid_request", str(refused))


def _trouble(_: Request, __: Exception) -> Response:
    return _answer(500, "server_error", "Something went wrong here.")


def _answer(status: int, error: str, description: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status, headers)
