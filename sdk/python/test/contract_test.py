import base64
import json
from dataclasses import asdict
from typing import Any

import anyio
import httpx
import pytest
from asgi import Answered, ask, make_scope
from contract_case import DEFAULTS, FOLDER, ScriptedIssuer, expected_headers, fill, load, options_of, texts_of
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_agent_mcp import AuthAgentConfigError, AuthAgentMiddleware, User

pytestmark = pytest.mark.anyio

FILES = sorted(path.name for path in FOLDER.glob("*.json") if path.name != "defaults.json")
CASES = [pytest.param(case, id=f"{name}: {case['name']}") for name in FILES for case in load(name)]


@pytest.mark.parametrize("contract", CASES)
async def test_contract(contract: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_of(contract)
    options = options_of(contract, texts)
    issuer = ScriptedIssuer(contract.get("issuer", []), str(options.get("api_key")), texts)
    async with httpx.AsyncClient(transport=issuer) as client:
        given: dict[str, Any] = {**options, "http_client": client, "log": ignore}
        if contract.get("refused_at_start"):
            await refuses_to_start(given)
            return
        app = Protected(given)
        for position, exchange in enumerate(contract.get("exchanges", [])):
            now_seconds = DEFAULTS["now_seconds"] + exchange.get("at_seconds", 0)
            monkeypatch.setattr("time.time", lambda now_seconds=now_seconds: now_seconds)
            for seen, user in await at_once(app, fill(texts, exchange)):
                compare(exchange["expect"], seen, user)
            calls = f"calls of the issuer after exchange {position + 1}"
            assert issuer.calls == exchange["expect"]["issuer_calls"], calls


def ignore(line: str) -> None:
    """What is logged is no part of the contract."""


async def refuses_to_start(options: dict[str, Any]) -> None:
    """As a server sees it: the application does not start, and does not run either."""
    app = Protected(options).app
    said: list[Any] = []

    async def startup() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        said.append(message)

    with pytest.raises(AuthAgentConfigError):
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, startup, send)
    assert [message["type"] for message in said] == ["lifespan.startup.failed"]
    with pytest.raises(AuthAgentConfigError):
        await ask(app, make_scope("https://mcp.example/mcp"))


class Protected:
    """An application with one handler, for every path and method, that answers with the user it saw."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.users: dict[int, User] = {}
        self.app = Starlette()
        self.app.mount("/", self._handle)
        self.app.add_middleware(AuthAgentMiddleware, **options)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        user: User = Request(scope).state.user
        self.users[scope["number"]] = user
        if scope["handler"] is None:
            await JSONResponse(asdict(user))(scope, receive, send)
        else:
            await say(scope["handler"], send)


async def say(answer: dict[str, Any], send: Send) -> None:
    """What the handler of a case answers, in the pieces in which it writes it."""
    headers = [(name.encode(), value.encode()) for name, value in answer["headers"].items()]
    await send({"type": "http.response.start", "status": answer["status"], "headers": headers})
    for chunk in answer.get("chunks", []):
        await send({"type": "http.response.body", "body": chunk.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": body_of(answer)})


async def at_once(app: Protected, exchange: dict[str, Any]) -> list[tuple[Answered, User | None]]:
    answers: list[tuple[Answered, User | None]] = []

    async def one(number: int) -> None:
        seen = await answer(app.app, exchange, number)
        answers.append((seen, app.users.pop(number, None)))

    async with anyio.create_task_group() as group:
        for number in range(exchange.get("times", 1)):
            group.start_soon(one, number)
    return answers


async def answer(app: ASGIApp, exchange: dict[str, Any], number: int) -> Answered:
    request = exchange["request"]
    url = request.get("url") or f"https://mcp.example{request.get('path', '/mcp')}"
    headers = [(name, value) for name, value in request.get("headers", [])]
    scope = make_scope(url, request.get("method", "GET"), headers, number=number, handler=exchange.get("handler"))
    return await ask(app, scope, [body_of(request)])


def body_of(request: dict[str, Any]) -> bytes:
    if "base64" in request:
        return base64.b64decode(request["base64"])
    if "text" in request:
        return request["text"].encode()
    return write(request["body"]) if "body" in request else b""


def write(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def compare(wanted: dict[str, Any], seen: Answered, user: User | None) -> None:
    assert seen.status == wanted["status"]
    headers = {name: value for name, value in seen.headers.items() if name != "content-length"}
    assert headers == expected_headers(wanted["headers"])
    assert (user is not None) == wanted["handler_ran"], "the handler ran"
    if user is not None and "user" in wanted:
        assert as_in_typescript(user) == wanted["user"]
    if "text" in wanted:
        assert seen.text == wanted["text"]
    if "body" in wanted:
        body = DEFAULTS["bodies"][wanted["body"]] if isinstance(wanted["body"], str) else wanted["body"]
        assert seen.body == (b"" if body is None else write(body))


def as_in_typescript(user: User) -> dict[str, Any]:
    """There a user without e-mail lacks both members, and names say their unit."""
    members = {**asdict(user), "scopes": list(user.scopes), "expiresAtSeconds": user.expires_at}
    absent = ["expires_at"] if user.email is not None else ["expires_at", "email", "email_verified"]
    return {name: value for name, value in members.items() if name not in absent}
