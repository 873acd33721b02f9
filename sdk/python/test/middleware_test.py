import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from asgi import ask, connect, make_scope, make_websocket
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.middleware import Middleware
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from support import API_KEY, RESOURCE, SERVER_ID, Setting, active_answer, bearer, make_token

from auth_agent_mcp import Allowed, Answer, AuthAgentConfigError, AuthAgentMiddleware, User, create_guard

pytestmark = pytest.mark.anyio

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read_file"}}
TABLES = {"tool_scopes": {"write_file": ["files:write"]}}


def protect(setting: Setting, **more: Any) -> FastAPI:
    app = FastAPI(**more)
    app.add_middleware(AuthAgentMiddleware, **setting.options)
    return app


async def say_user(scope: Scope, receive: Receive, send: Send) -> None:
    user: User = Request(scope).state.user
    await PlainTextResponse(user.sub)(scope, receive, send)


class TestTheUser:
    def test_l25_has_an_optional_email_and_no_token(self) -> None:
        fields = {field.name: field.type for field in dataclasses.fields(User)}
        assert (fields["email"], fields["issuer"], fields["sub"]) == (str | None, str, str)
        assert "token" not in " ".join(fields)

    def test_cannot_be_changed(self) -> None:
        user = User("a", "i", None, email_verified=False, scopes=(), client_id="c", expires_at=0)
        with pytest.raises(dataclasses.FrozenInstanceError):
            user.sub = "b"  # pyright: ignore[reportAttributeAccessIssue]

    async def test_l26_comes_without_the_token(self) -> None:
        seen: list[str] = []
        token = make_token()
        app = protect(Setting(lambda _: active_answer()))

        @app.get("/{path:path}")
        async def handler(request: Request) -> None:
            added = {name: value for name, value in request.scope.items() if name != "headers"}
            seen.append(f"{added} {vars(request.state)} {request.state.user}")

        assert (await ask(app, bearer(token))).status == 200
        assert "user-1" in seen[0]
        assert token[-40:] not in seen[0]

    async def test_l19_is_nobody_s_but_ours_to_set(self) -> None:
        class Preset:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                scope["state"]["user"] = "root"
                scope["auth_agent_mcp.access"] = "root"
                await self.app(scope, receive, send)

        app = Preset(AuthAgentMiddleware(say_user, **Setting(lambda _: active_answer()).options))
        assert (await ask(app, bearer(make_token()))).text == "user-1"
        refused = make_scope(RESOURCE)
        assert (await ask(app, refused)).status == 401
        assert "root" not in refused["state"].values()
        assert "auth_agent_mcp.access" not in refused

    async def test_l18_of_1000_interleaved_requests_is_never_mixed(self) -> None:
        tokens = {"ada": make_token("ada"), "bob": make_token("bob")}
        setting = Setting(
            lambda token: active_answer(sub="ada" if token == tokens["ada"] else "bob"), cache_ttl_seconds=0
        )
        app = protect(setting)

        @app.get("/{path:path}")
        async def handler(request: Request) -> str:
            before = request.state.user.sub
            await anyio.lowlevel.checkpoint()
            return f"{before} {request.state.user.sub}"

        names = ["ada" if number % 3 == 0 else "bob" for number in range(1000)]
        answers: dict[int, str] = {}

        async def one(number: int) -> None:
            answers[number] = (await ask(app, bearer(tokens[names[number]]))).text

        async with anyio.create_task_group() as group:
            for number in range(1000):
                group.start_soon(one, number)
        assert [answers[number] for number in range(1000)] == [f'"{name} {name}"' for name in names]

    async def test_l4_is_found_by_the_whole_token(self) -> None:
        first = make_token()
        second = first[:-40] + "A" * 40
        setting = Setting(lambda token: active_answer(sub="first" if token == first else "second"))
        app = AuthAgentMiddleware(say_user, **setting.options)
        for _ in range(2):
            assert [(await ask(app, bearer(token))).text for token in (first, second)] == ["first", "second"]
        assert setting.issuer.asked == [first, second]

    async def test_l4_is_not_shared_with_another_instance(self) -> None:
        token = make_token()
        first = create_guard(**Setting(lambda _: active_answer()).options)
        second = create_guard(**Setting(lambda _: httpx.Response(200, json={"active": False})).options)
        assert isinstance(await first.check(bearer(token), nothing_comes), Allowed)
        assert isinstance(await second.check(bearer(token), nothing_comes), Answer)


async def nothing_comes() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


async def nothing_is_sent(message: Message) -> None:
    raise AssertionError(message)


class TestWebSockets:
    def build(self, ran: list[str]) -> FastAPI:
        app = protect(Setting(lambda _: active_answer()))

        @app.websocket("/ws")
        async def handler(websocket: WebSocket) -> None:
            ran.append(websocket.state.user.sub)
            await websocket.accept()
            await websocket.close()

        return app

    async def test_l15_without_a_token_are_closed_before_they_open(self) -> None:
        ran: list[str] = []
        sent = await connect(self.build(ran), make_websocket("wss://mcp.example/ws"))
        assert (sent, ran) == ([{"type": "websocket.close", "code": 1008, "reason": ""}], [])

    async def test_l15_without_a_token_get_the_challenge_where_the_server_can_send_it(self) -> None:
        ran: list[str] = []
        extensions: dict[str, Any] = {"websocket.http.response": {}}
        start, body = await connect(self.build(ran), make_websocket("wss://mcp.example/ws", extensions=extensions))
        assert (start["type"], start["status"], ran) == ("websocket.http.response.start", 401, [])
        assert dict(start["headers"])[b"www-authenticate"].startswith(b'Bearer scope="files:read"')
        assert json.loads(body["body"])["error"] == "unauthorized"

    async def test_l13_find_no_token_in_the_query_or_a_protocol(self) -> None:
        token = make_token()
        headers = [("Sec-WebSocket-Protocol", f"bearer, {token}")]
        ran: list[str] = []
        scope = make_websocket(f"wss://mcp.example/ws?access_token={token}", headers)
        assert [message["type"] for message in await connect(self.build(ran), scope)] == ["websocket.close"]
        assert ran == []

    async def test_with_a_token_open_and_know_the_user(self) -> None:
        ran: list[str] = []
        headers = [("Authorization", f"Bearer {make_token()}")]
        sent = await connect(self.build(ran), make_websocket("wss://mcp.example/ws", headers))
        assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
        assert ran == ["user-1"]

    async def test_l15_what_is_neither_is_not_let_through(self) -> None:
        app = AuthAgentMiddleware(say_user, **Setting(lambda _: active_answer()).options)
        with pytest.raises(ValueError, match="something else"):
            await ask(app, {**bearer(make_token()), "type": "webtransport"})


class TestAnswersOfHandlers:
    async def test_l16_errors_are_left_to_the_application(self) -> None:
        app = protect(Setting(lambda _: active_answer()))

        @app.get("/{path:path}")
        async def handler() -> None:
            raise ZeroDivisionError("of the handler")

        with pytest.raises(ZeroDivisionError, match="of the handler"):
            await ask(app, bearer(make_token()))

    async def test_l16_refusals_of_the_application_can_be_read_by_a_browser(self) -> None:
        app = protect(Setting(lambda _: active_answer()))

        @app.get("/{path:path}")
        async def handler() -> None:
            raise HTTPException(418, "of the handler")

        answered = await ask(app, bearer(make_token()))
        assert (answered.status, answered.text) == (418, '{"detail":"of the handler"}')
        assert answered.headers["access-control-allow-origin"] == "*"

    async def test_cors_headers_that_the_handler_has_set_stay(self) -> None:
        app = protect(Setting(lambda _: active_answer()))

        @app.get("/{path:path}")
        async def handler() -> Response:
            return Response(headers={"Access-Control-Allow-Origin": "https://app.example"})

        answered = await ask(app, bearer(make_token()))
        assert answered.headers["access-control-allow-origin"] == "https://app.example"

    async def test_streams_are_sent_piece_by_piece(self) -> None:
        app = protect(Setting(lambda _: active_answer()))
        go_on = anyio.Event()

        @app.get("/{path:path}")
        async def handler() -> StreamingResponse:
            async def pieces() -> AsyncIterator[str]:
                yield "first"
                await go_on.wait()
                yield "second"

            return StreamingResponse(pieces())

        came: list[bytes] = []

        async def send(message: Message) -> None:
            came.append(message.get("body", b""))
            if came[-1] == b"first":
                # The second piece is not made before the first has arrived.
                go_on.set()

        with anyio.fail_after(60):
            await app(bearer(make_token()), nothing_comes, send)
        assert [piece for piece in came if piece] == [b"first", b"second"]


class TestBodies:
    """Read for the tables, and whole for the handler."""

    def build(self, *more: Middleware) -> FastAPI:
        app = FastAPI(middleware=list(more))
        # The one that is added last stands first.
        app.add_middleware(AuthAgentMiddleware, **Setting(lambda _: active_answer(), **TABLES).options)

        @app.post("/{path:path}")
        async def handler(request: Request) -> Response:
            return Response(await request.body())

        return app

    @pytest.mark.parametrize("size_bytes", [1, 3, 7, 4096])
    async def test_are_whole_in_whatever_pieces_they_came(self, size_bytes: int) -> None:
        body = json.dumps(CALL).encode()
        chunks = [body[start : start + size_bytes] for start in range(0, len(body), size_bytes)]
        assert (await ask(self.build(), bearer(make_token(), "POST"), chunks)).body == body
        write = [chunk.replace(b"read_file", b"write_file") for chunk in ([body] if size_bytes == 4096 else [])]
        if write:
            assert (await ask(self.build(), bearer(make_token(), "POST"), write)).status == 403

    async def test_are_whole_when_they_were_left_half_read(self) -> None:
        chunks = [b"x" * 65_536] * 50
        assert (await ask(self.build(), bearer(make_token(), "POST"), chunks)).body == b"".join(chunks)

    async def test_are_checked_also_when_somebody_before_has_read_them(self) -> None:
        async def read_first(request: Request, call_next: RequestResponseEndpoint) -> Response:
            await request.json()
            return await call_next(request)

        app = Starlette(middleware=[Middleware(BaseHTTPMiddleware, dispatch=read_first)])
        app.mount("/", self.build())
        body = json.dumps(CALL)
        assert (await ask(app, bearer(make_token(), "POST"), [body.encode()])).text == body
        write = body.replace("read_file", "write_file").encode()
        assert (await ask(app, bearer(make_token(), "POST"), [write])).status == 403

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
    async def test_are_refused_in_every_encoding_that_json_loads_would_take(self, encoding: str) -> None:
        ran: list[Any] = []
        app = protect(Setting(lambda _: active_answer(), **TABLES))

        @app.post("/{path:path}")
        async def handler(request: Request) -> None:
            ran.append(await request.json())

        body = f"\n {json.dumps(CALL)}".replace("read_file", "write_file").encode(encoding)
        assert json.loads(body)["params"]["name"] == "write_file"
        for chunks in ([body], [body[:1], body[1:]]):
            assert (await ask(app, bearer(make_token(), "POST"), chunks)).status == 400
        assert ran == []

    async def test_that_end_too_early_do_not_reach_the_handler(self) -> None:
        came = iter([{"type": "http.request", "body": b'{"a"', "more_body": True}, {"type": "http.disconnect"}])
        sent: list[Message] = []

        async def receive() -> Message:
            return next(came)

        async def send(message: Message) -> None:
            sent.append(message)

        await self.build()(bearer(make_token(), "POST"), receive, send)
        assert sent[0]["status"] == 400

    async def test_that_the_application_finds_too_long_are_its_own_business(self) -> None:
        setting = Setting(lambda _: active_answer(), **TABLES)
        app = AuthAgentMiddleware(say_user, **setting.options)

        async def receive() -> Message:
            # So Starlette's `max_body_size` ends a request from outside.
            raise HTTPException(413)

        with pytest.raises(HTTPException):
            await app(bearer(make_token(), "POST"), receive, nothing_is_sent)
        assert setting.logged == []

    async def test_of_resources_are_judged_as_any_url_reads_them(self) -> None:
        table = {uri: ["reports:read"] for uri in ("https://example.com/Report", "https://b\u00fccher.example/\u00e4")}
        setting = Setting(lambda _: active_answer(), resource_scopes=table)
        app = AuthAgentMiddleware(say_user, **setting.options)

        async def status(uri: str) -> int:
            body = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}}
            return (await ask(app, bearer(make_token(), "POST"), [json.dumps(body).encode()])).status

        assert await status("https://\uff45xample.com/Report") == 403
        assert await status("https://\uff45xample.org/Report") == 200
        assert await status("https://xn--bcher-kva.example/%C3%A4") == 403
        assert await status("https://b%C3%BCcher.example/\u00e4") == 403
        assert await status("https://[") == 200


class TestStart:
    def test_l27_a_mistake_is_raised_where_the_middleware_is_made(self) -> None:
        with pytest.raises(AuthAgentConfigError, match="api_key is missing"):
            AuthAgentMiddleware(say_user, server_id=SERVER_ID, api_key="")
        with pytest.raises(AuthAgentConfigError, match="api_key is missing"):
            create_guard(server_id=SERVER_ID, api_key=None)

    def test_l22_the_issuer_of_the_environment_is_checked_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTH_AGENT_ISSUER", "http://issuer.example")
        with pytest.raises(AuthAgentConfigError, match="issuer must be https"):
            create_guard(server_id=SERVER_ID, api_key=API_KEY)
        monkeypatch.setenv("AUTH_AGENT_ISSUER", "http://localhost:9400")
        assert "localhost:9400" in repr(create_guard(server_id=SERVER_ID, api_key=API_KEY))


class TestSecrets:
    def test_l23_nothing_the_package_hands_out_shows_the_key(self) -> None:
        options = Setting(lambda _: active_answer()).options
        middleware, guard = AuthAgentMiddleware(say_user, **options), create_guard(**options)
        assert repr(middleware) == f"<AuthAgentMiddleware <Guard of {SERVER_ID} at https://issuer.example>>"
        shown = "".join(map(repr, walk(middleware) + walk(guard)))
        assert "SeCrEt" not in shown
        assert "U2VDckV0" not in shown

    def test_l23_mistakes_at_start_show_no_value(self) -> None:
        secret = "key_veryverysecret"
        with pytest.raises(AuthAgentConfigError) as caught:
            create_guard(server_id=SERVER_ID, api_key=secret)
        assert secret not in str(caught.getrepr(style="short", showlocals=False))

    @pytest.mark.parametrize("case", ["401", "500", "outage"])
    async def test_l23_l9_logs_and_answers_show_neither_key_nor_token_and_say_once_what_is_wrong(
        self, case: str
    ) -> None:
        def answer(_: str) -> httpx.Response:
            if case == "outage":
                raise httpx.ConnectError(API_KEY)
            return httpx.Response(int(case), json={"error": "invalid_client"})

        setting = Setting(answer)
        app = AuthAgentMiddleware(say_user, **setting.options)
        tokens = [make_token(), make_token()]
        seen = [str(await ask(app, bearer(token))) for token in tokens]
        assert len(setting.logged) == 1
        assert setting.logged[0].startswith(f"auth-agent {SERVER_ID}: the issuer ")
        for secret in [API_KEY, *tokens]:
            assert secret not in "".join([*seen, *setting.logged])

    async def test_trouble_is_told_to_the_logger_by_default(self, caplog: pytest.LogCaptureFixture) -> None:
        setting = Setting(lambda _: active_answer(aud="https://mcp.example/"), log=None)
        await ask(AuthAgentMiddleware(say_user, **setting.options), bearer(make_token()))
        ((name, level, text),) = caplog.record_tuples
        assert (name, level) == ("auth_agent_mcp", 40)
        assert "server_url is not, letter by letter, the URL that was registered" in text


def walk(thing: Any, depth: int = 6) -> list[Any]:
    """A thing and what can be reached from it by its attributes."""
    if depth == 0 or isinstance(thing, str | int | httpx.AsyncClient):
        return []
    of_class: tuple[str, ...] = getattr(type(thing), "__slots__", ())  # pyright: ignore[reportUnknownArgumentType]
    names: list[str] = [*of_class, *getattr(thing, "__dict__", {})]
    return [
        thing,
        *(found for name in names if hasattr(thing, name) for found in walk(getattr(thing, name), depth - 1)),
    ]
