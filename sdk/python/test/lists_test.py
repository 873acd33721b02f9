import json

import anyio
import pytest
from asgi import ask
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import FileResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from support import Setting, active_answer, bearer, make_token

from auth_agent_mcp import AuthAgentMiddleware
from auth_agent_mcp.event_filter import EventFilter
from auth_agent_mcp.resource_key import resource_key

pytestmark = pytest.mark.anyio

LIST_TOOLS = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
READ_FILE: dict[str, str] = {"name": "read_file"}
WRITE_FILE: dict[str, str] = {"name": "write_file", "title": "Schreiben ä→🗝"}


def listed(*shown: object) -> str:
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"tools": shown}}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def setting() -> Setting:
    return Setting(lambda _: active_answer(), tool_scopes={"write_file": ["files:write"]}, filter_lists=True)


def protect(app: ASGIApp) -> AuthAgentMiddleware:
    return AuthAgentMiddleware(app, **setting().options)


def answer_with(*pieces: bytes, content_type: str, **headers: str) -> ASGIApp:
    """A handler that writes its answer in these pieces."""
    sent = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}

    async def handler(scope: Scope, receive: Receive, send: Send) -> None:
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    return handler


class TestListsInAStreamOfEvents:
    async def test_are_cut_when_they_come_without_waiting_for_the_end_of_the_stream(self) -> None:
        keep_alive, other = ": still there\r\n", 'data: {"jsonrpc":"2.0","method":"x"}\n\n'
        writes, reads = anyio.create_memory_object_stream[str](10)
        came: list[str] = []

        async def handler(scope: Scope, receive: Receive, send: Send) -> None:
            async with reads:
                await StreamingResponse(reads, media_type="text/event-stream")(scope, receive, send)

        async def send(message: Message) -> None:
            came.append(message.get("body", b"").decode())

        async with writes, anyio.create_task_group() as group:
            group.start_soon(protect(handler), bearer(make_token(), "POST"), comes(LIST_TOOLS), send)
            for piece in (keep_alive, f"data: {listed(READ_FILE, WRITE_FILE)}\n\n", other):
                await writes.send(piece)
                await anyio.wait_all_tasks_blocked()
            assert came == ["", keep_alive, f"data: {listed(READ_FILE)}\n\n", other]
            writes.close()

    async def test_may_be_torn_inside_a_letter(self) -> None:
        key = {"name": "ä→🗝"}
        stream = f"data: {listed(WRITE_FILE, key)}\n\n".encode()
        pieces = [stream[place : place + 1] for place in range(len(stream))]
        app = protect(answer_with(*pieces, content_type="text/event-stream"))
        assert (await ask(app, bearer(make_token(), "POST"), [LIST_TOOLS])).text == f"data: {listed(key)}\n\n"

    @given(st.lists(st.lists(st.sampled_from(["\r", "\n", "data:", "data", ": ", "x", "id", "é"])).map("".join)))
    def test_mean_the_same_in_whatever_pieces_they_come(self, pieces: list[str]) -> None:
        def rewrite(message: str) -> str:
            return message.upper().replace("\n", " ") if "x" in message else message

        def plain(text: str) -> str:
            return text.replace("\r\n", "\n").replace("\r", "\n")

        one, other = EventFilter(rewrite), EventFilter(rewrite)
        torn = "".join([*map(one.push, pieces), one.end()])
        assert plain(torn) == plain(other.push("".join(pieces)) + other.end())

    @given(st.lists(st.sampled_from(["\r\n", "\n", "data:", "data", ": ", "x", "id", "é", "{}"])).map("".join))
    def test_leave_everything_else_as_it_was_to_the_byte(self, text: str) -> None:
        events = EventFilter(lambda message: message)
        passed = events.push(text) + events.end()
        assert sorted(passed.replace("\r\n", "\n").split("\n")) == sorted(text.replace("\r\n", "\n").split("\n"))


def comes(body: bytes) -> Receive:
    """A body, and then nothing more."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await anyio.sleep_forever()
        return messages.pop()

    return receive


class TestListsInOneAnswer:
    async def test_are_cut_when_they_are_whole_and_say_their_new_length(self) -> None:
        body = listed(READ_FILE, WRITE_FILE).encode()
        app = protect(answer_with(body[:40], body[40:], content_type="application/json", content_length=str(len(body))))
        answered = await ask(app, bearer(make_token(), "POST"), [LIST_TOOLS])
        assert answered.text == listed(READ_FILE)
        assert answered.headers["content-length"] == str(len(listed(READ_FILE)))

    async def test_that_were_encoded_too_early_are_told_to_the_owner(self) -> None:
        told = setting()
        handler = answer_with(b"...", content_type="application/json", content_encoding="br", content_length="3")
        answered = await ask(AuthAgentMiddleware(handler, **told.options), bearer(make_token(), "POST"), [LIST_TOOLS])
        assert (answered.status, b"..." in answered.body) == (500, False)
        assert "encoded before filter_lists could see it" in told.logged[0]

    async def test_cannot_be_sent_past_us_as_a_file(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        file = tmp_path_factory.mktemp("lists") / "tools.json"
        file.write_text(listed(READ_FILE, WRITE_FILE), "utf-8")
        scope = bearer(make_token(), "POST", extensions={"http.response.pathsend": {}, "other": {}})
        answered = await ask(protect(FileResponse(file)), scope, [LIST_TOOLS])
        assert answered.text == listed(READ_FILE)
        assert scope["extensions"] == {"other": {}}

    @pytest.mark.parametrize("message_id", ["1", '"1"', "true", "null", "[1]", '{"a":1}', "1.5"])
    async def test_belong_to_the_message_of_exactly_that_id(self, message_id: str) -> None:
        request = LIST_TOOLS.replace(b'"id":1', f'"id":{message_id}'.encode())
        app = protect(answer_with(listed(READ_FILE, WRITE_FILE).encode(), content_type="application/json"))
        cut = listed(READ_FILE) if message_id == "1" else listed(READ_FILE, WRITE_FILE)
        assert (await ask(app, bearer(make_token(), "POST"), [request])).text == cut


words = st.text("abcXYZ019-._~%/\\:?#@ é", max_size=12)
uris = st.builds(
    "{}{}{}".format,
    st.sampled_from(["http:", "HTTPS:", "ws:", "ftp:", "file:", "notes:"]),
    st.just("//h.example/"),
    words,
)


class TestTheKeyOfAResource:
    @given(uris)
    def test_is_the_same_for_whatever_any_url_makes_of_a_uri_since_servers_look_up_what_it_makes(
        self, uri: str
    ) -> None:
        pydantic_core = pytest.importorskip("pydantic_core")
        try:
            parsed = str(pydantic_core.Url(uri))
        except ValueError:
            return
        assert resource_key(parsed) == resource_key(uri)

    @given(uris | st.text())
    def test_exists_for_every_text(self, uri: str) -> None:
        assert isinstance(resource_key(uri), str)

    @pytest.mark.parametrize("part", ["%25", "../", "#", ":", "\\", "?", "%", "http:"])
    def test_costs_linear_time(self, part: str) -> None:
        # A pattern that backtracks would need hours for this.
        assert len(resource_key(part * (1_000_000 // len(part)))) <= 1_000_000
