import gc
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from asgi import make_scope
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from serving import Server, serve, serve_in_thread
from starlette.types import Message
from support import API_KEY, SERVER_ID, active_answer, make_token
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from auth_agent_mcp import Allowed, AuthAgentMiddleware, Guard, create_guard

RESOURCE = "http://localhost:8000/mcp"


class Issuer:
    """An issuer of its own on the loopback, to which every token is alive."""

    def __init__(self) -> None:
        self.callers: list[Any] = []
        self.app = FastAPI()
        self.app.add_api_route("/introspect", self._introspect, methods=["POST"])

    async def _introspect(self, request: Request) -> Any:
        self.callers.append(request.client)
        return active_answer(aud=RESOURCE).json()


def options_for(address: str) -> dict[str, Any]:
    options = {"server_id": SERVER_ID, "api_key": API_KEY, "issuer": f"http://{address}", "server_url": RESOURCE}
    # The issuer answers at once, but a busy machine may let it wait.
    return {**options, "timeout_ms": 30_000}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with serve_in_thread(Issuer().app) as server:
        yield server.address


def build(address: str) -> FastAPI:
    app = FastAPI()
    app.state.go_on = anyio.Event()

    @app.post("/stream")
    async def stream(request: Request) -> StreamingResponse:
        sent = (await request.body()).decode()

        async def pieces() -> AsyncIterator[str]:
            yield "first "
            await app.state.go_on.wait()
            yield f"second {sent}"

        return StreamingResponse(pieces(), media_type="text/plain")

    @app.websocket("/ws")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(f"{websocket.state.user.sub} {await websocket.receive_text()}")
        await websocket.close()

    app.add_middleware(AuthAgentMiddleware, **options_for(address))
    return app


async def test_answers_stream_through_a_real_server(issuer: str) -> None:
    app = build(issuer)
    async with serve(app, lifespan="on") as server, httpx.AsyncClient() as client:
        url = f"http://{server.address}/stream"
        async with client.stream("POST", url, headers=bearer(make_token()), content="third") as response:
            pieces = response.aiter_text()
            assert (response.status_code, await anext(pieces)) == (200, "first ")
            # Only now: the first piece was not held back.
            app.state.go_on.set()
            assert "".join([piece async for piece in pieces]) == "second third"
        assert (await client.post(url)).status_code == 401


async def test_l15_websockets_through_a_real_server(issuer: str) -> None:
    async with serve(build(issuer), lifespan="on") as server:
        url = f"ws://{server.address}/ws"
        async with connect(url, additional_headers=bearer(make_token()), proxy=None) as socket:
            await socket.send("hello")
            assert await socket.recv() == "user-1 hello"
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, proxy=None)
        response = refused.value.response
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith(
            'Bearer resource_metadata="http://localhost:8000/.well-known'
        )


async def test_the_connections_to_the_issuer_are_shared_and_end_with_the_application() -> None:
    asked = Issuer()
    async with serve(asked.app) as at, httpx.AsyncClient() as client:
        async with serve(build(at.address), lifespan="on") as server:
            for _ in range(3):
                answered = await client.get(f"http://{server.address}/missing", headers=bearer(make_token()))
                assert answered.status_code == 404
            assert len(asked.callers) == 3
            assert len(set(asked.callers)) == 1
            assert at.connections == 1
        with anyio.fail_after(60):
            while at.connections:
                await anyio.lowlevel.checkpoint()


async def test_l27_a_server_with_a_mistaken_option_does_not_start(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    app.add_middleware(AuthAgentMiddleware, server_id=SERVER_ID, api_key="")
    caplog.set_level(logging.ERROR)
    with pytest.raises(SystemExit):
        await Server(app).serve()
    assert "AuthAgentConfigError: api_key is missing" in caplog.messages


# Connections of a loop that ended without closing them are what this is about.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_one_guard_may_be_used_in_one_loop_after_the_other() -> None:
    asked = Issuer()
    with serve_in_thread(asked.app) as at:
        guard = create_guard(**options_for(at.address))
        for _ in range(2):
            # Not closed: the loop ends, as with the test clients of frameworks, and the connections with it.
            anyio.run(check, guard)
            gc.collect()
        del guard
        gc.collect()
    assert len(set(asked.callers)) == 2


async def check(guard: Guard) -> None:
    decision = await guard.check(make_scope(RESOURCE, headers=bearer(make_token()).items()), nothing_comes)
    assert isinstance(decision, Allowed)


async def nothing_comes() -> Message:
    await anyio.sleep_forever()
    raise AssertionError
