from typing import Annotated, Any

import httpx
import pytest
from asgi import ask, connect, make_scope, make_websocket
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from support import Setting, active_answer, bearer, make_token

from auth_agent_mcp import AuthAgentConfigError, AuthAgentMiddleware, User, require_scopes

pytestmark = pytest.mark.anyio

needs_write = require_scopes("files:write")

CHALLENGE = (
    'Bearer error="insufficient_scope", error_description="This request needs the scopes: files:read files:write", '
    'scope="files:read files:write", '
    'resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"'
)
BODY = '{"error":"insufficient_scope","error_description":"This request needs the scopes: files:read files:write"}'


def setting_of(scope: str) -> Setting:
    def answer(_: str) -> httpx.Response:
        return active_answer(scope=scope)

    return Setting(answer, scope_implications={"admin": ["files:write"]})


def by_dependency() -> Any:
    app = FastAPI()

    @app.post("/mcp", dependencies=[Depends(needs_write)])
    async def handler() -> PlainTextResponse:
        return PlainTextResponse("user-1")

    return app


def by_parameter() -> Any:
    app = FastAPI()

    @app.post("/mcp")
    async def handler(user: Annotated[User, Depends(needs_write)]) -> PlainTextResponse:
        return PlainTextResponse(user.sub)

    return app


def by_router() -> Any:
    router = APIRouter(dependencies=[Depends(needs_write)])

    @router.post("/mcp")
    def handler(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.user.sub)

    app = FastAPI()
    app.include_router(router)
    return app


def by_mounted_application() -> Any:
    app = FastAPI()
    app.mount("/", by_dependency())
    return app


def by_await_in_starlette() -> Any:
    async def handler(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await needs_write(request)).sub)

    return Starlette(routes=[Mount("/", routes=[Route("/mcp", handler, methods=["POST"])])])


WAYS = [by_dependency, by_parameter, by_router, by_mounted_application, by_await_in_starlette]


@pytest.mark.parametrize("build", WAYS)
async def test_l10_refuses_a_route_without_its_scope_and_names_all_scopes_it_needs(build: Any) -> None:
    app = build()
    app.add_middleware(AuthAgentMiddleware, **setting_of("files:read").options)
    answered = await ask(app, bearer(make_token(), "POST"))
    assert (answered.status, answered.text) == (403, BODY)
    assert answered.headers["www-authenticate"] == CHALLENGE
    assert answered.headers["access-control-allow-origin"] == "*"
    assert int(answered.headers["content-length"]) == len(BODY)
    assert len(answered.messages) == 2


@pytest.mark.parametrize("scope", ["files:read files:write", "files:read admin"])
@pytest.mark.parametrize("build", WAYS)
async def test_lets_it_pass_with_the_scope_or_one_that_implies_it(build: Any, scope: str) -> None:
    app = build()
    app.add_middleware(AuthAgentMiddleware, **setting_of(scope).options)
    answered = await ask(app, bearer(make_token(), "POST"))
    assert (answered.status, answered.text) == (200, "user-1")


@pytest.mark.parametrize("build", WAYS)
async def test_l14_is_closed_without_the_middleware_before_it(build: Any) -> None:
    with pytest.raises(RuntimeError, match="without it"):
        await ask(build(), make_scope("https://mcp.example/mcp", "POST"))


def test_k9_refuses_a_scope_with_a_quote_at_start() -> None:
    with pytest.raises(AuthAgentConfigError, match="require_scopes"):
        require_scopes('a"b')


async def test_the_refusal_is_ours_though_the_application_has_its_own_words_for_a_403() -> None:
    async def forbidden(request: Request, error: Exception) -> Response:
        return JSONResponse({"my": "words"}, 403)

    app = by_dependency()
    app.add_exception_handler(403, forbidden)
    app.add_middleware(AuthAgentMiddleware, **setting_of("files:read").options)
    answered = await ask(app, bearer(make_token(), "POST"))
    assert (answered.text, answered.headers["www-authenticate"]) == (BODY, CHALLENGE)


async def test_another_403_of_the_application_stays_its_own() -> None:
    app = FastAPI()

    @app.post("/mcp", dependencies=[Depends(needs_write)])
    async def handler() -> None:
        raise HTTPException(403, "not on Sundays")

    app.add_middleware(AuthAgentMiddleware, **setting_of("files:read files:write").options)
    assert (await ask(app, bearer(make_token(), "POST"))).text == '{"detail":"not on Sundays"}'


async def test_a_websocket_without_the_scope_is_refused_before_it_opens() -> None:
    app = FastAPI()
    ran: list[str] = []

    @app.websocket("/ws")
    async def handler(websocket: WebSocket, user: Annotated[User, Depends(needs_write)]) -> None:
        ran.append(user.sub)
        await websocket.accept()
        await websocket.close()

    app.add_middleware(AuthAgentMiddleware, **setting_of("files:read").options)
    headers = [("Authorization", f"Bearer {make_token()}")]
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    start, _ = await connect(app, make_websocket("wss://mcp.example/ws", headers, extensions=extensions))
    assert (start["status"], dict(start["headers"])[b"www-authenticate"].decode(), ran) == (403, CHALLENGE, [])
    closed = await connect(app, make_websocket("wss://mcp.example/ws", headers))
    assert [message["type"] for message in closed] == ["websocket.close"]
