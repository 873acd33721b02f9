import json
from typing import Any

import httpx
import pytest
from asgi import Answered, ask, living, make_scope
from fastmcp import FastMCP
from fastmcp.server.auth import auth
from mcp.server import MCPServer
from starlette.middleware import Middleware
from support import API_KEY, RESOURCE, SERVER_ID, Answer, Setting, active_answer, make_token

from auth_agent_mcp import AuthAgentConfigError, AuthAgentMiddleware
from auth_agent_mcp.fastmcp import AuthAgentTokenVerifier as FastMcpVerifier
from auth_agent_mcp.mcp import AuthAgentTokenVerifier as McpVerifier
from auth_agent_mcp.mcp import IssuerUnavailableError, McpUserMiddleware

VERIFIERS: list[Any] = [McpVerifier, FastMcpVerifier]


def setting_for(answer: Answer, **more: Any) -> Setting:
    """Without the options that are about requests."""
    setting = Setting(answer, **more)
    del setting.options["required_scopes"]  # pyright: ignore[reportGeneralTypeIssues]
    return setting


def inactive(_: str) -> httpx.Response:
    return httpx.Response(200, json={"active": False})


@pytest.mark.parametrize("verifier_class", VERIFIERS)
class TestVerifiers:
    async def test_tell_who_it_is_and_keep_the_token_back(self, verifier_class: Any) -> None:
        answer = active_answer(scope="admin", email="ada@example.com", email_verified=True).json()
        implications = {"admin": ["files:read"]}
        setting = setting_for(lambda _: httpx.Response(200, json=answer), scope_implications=implications)
        access = await verifier_class(**setting.options).verify_token(make_token())
        assert (access.token, access.client_id, access.subject, access.resource) == ("", "client", "user-1", RESOURCE)
        assert (access.scopes, access.expires_at) == (["admin", "files:read"], answer["exp"])
        person = {"iss": "https://issuer.example", "sub": "user-1", "client_id": "client"}
        assert access.claims == {**person, "email": "ada@example.com", "email_verified": True}

    async def test_l3_say_none_of_a_token_that_is_not_good(self, verifier_class: Any) -> None:
        setting = setting_for(inactive)
        verifier = verifier_class(**setting.options)
        assert await verifier.verify_token(make_token()) is None
        assert await verifier.verify_token("garbage") is None
        assert len(setting.issuer.asked) == 1

    async def test_l2_say_none_of_a_token_for_another_server_and_tell_the_owner(self, verifier_class: Any) -> None:
        setting = setting_for(lambda _: active_answer(aud="https://other.example/mcp"))
        assert await verifier_class(**setting.options).verify_token(make_token()) is None
        assert "server_url is not, letter by letter" in setting.logged[0]

    @pytest.mark.parametrize("status", [401, 429, 500])
    async def test_l9_l1_do_not_take_an_outage_for_a_bad_token(self, verifier_class: Any, status: int) -> None:
        setting = setting_for(lambda _: httpx.Response(status))
        with pytest.raises(IssuerUnavailableError, match="could not be asked"):
            await verifier_class(**setting.options).verify_token(make_token())

    @pytest.mark.parametrize("option", ["tool_scopes", "allowed_hosts", "filter_lists", "serverId", "max_body_bytes"])
    def test_l27_refuse_options_that_they_cannot_keep(self, verifier_class: Any, option: str) -> None:
        with pytest.raises(AuthAgentConfigError, match=f"{option} is not an option of AuthAgentTokenVerifier"):
            verifier_class(server_id=SERVER_ID, api_key=API_KEY, **{option: True})

    def test_l23_show_no_key(self, verifier_class: Any) -> None:
        shown = repr(verifier_class(**setting_for(inactive).options))
        assert shown == f"<AuthAgentTokenVerifier of {SERVER_ID} at https://issuer.example>"


class TestTheVerifierForFastMcp:
    async def test_l1_says_unavailable_in_the_words_of_the_framework_where_it_has_one(self) -> None:
        # FastMCP before 4.2 has none.
        error = getattr(auth, "TokenVerificationError", IssuerUnavailableError)
        verifier = FastMcpVerifier(**setting_for(lambda _: httpx.Response(500)).options)
        with pytest.raises(error):
            await verifier.verify_token(make_token())

    def test_needs_the_url_of_the_server(self) -> None:
        with pytest.raises(AuthAgentConfigError, match="server_url is missing"):
            FastMcpVerifier(server_id=SERVER_ID, api_key=API_KEY)

    def test_tells_at_start_where_the_url_is_not_the_endpoint_s(self) -> None:
        server = FastMCP("files", auth=FastMcpVerifier(**setting_for(inactive).options))
        with pytest.raises(AuthAgentConfigError, match="must end with the path of the MCP endpoint, /other"):
            server.http_app(path="/other")

    async def test_k8_serves_the_metadata_at_its_two_paths_to_pages_as_well(self) -> None:
        setting = setting_for(inactive)
        app = FastMCP(
            "files", auth=FastMcpVerifier(**{**setting.options, "required_scopes": ["files:read"]})
        ).http_app()
        path_form = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
        for url in (path_form, path_form.removesuffix("/mcp")):
            answered = await ask(app, make_scope(url, headers=[("Origin", "https://app.example")]))
            document = json.loads(answered.body)
            assert (document["resource"], document["auth_agent_server_id"]) == (RESOURCE, SERVER_ID)
            assert document["scopes_supported"] == ["files:read"]
            assert answered.headers["access-control-allow-origin"] == "*"
        preflight = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET")]
        assert (await ask(app, make_scope(path_form, "OPTIONS", preflight))).status == 204
        challenge = (await ask(app, make_scope(RESOURCE, "POST"))).headers["www-authenticate"]
        assert f'resource_metadata="{path_form}"' in challenge


async def call(app: Any, token: str, message: dict[str, Any], session: str | None = None) -> Answered:
    message = {"jsonrpc": "2.0", "id": 1, **message}
    headers = [
        ("Authorization", f"Bearer {token}"),
        ("Accept", "application/json, text/event-stream"),
        ("Content-Type", "application/json"),
        ("Host", "localhost:3000"),
        *([] if session is None else [("Mcp-Session-Id", session)]),
    ]
    return await ask(app, make_scope(RESOURCE, "POST", headers), [json.dumps(message).encode()])


CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
INITIALIZE = {"method": "initialize", "params": CLIENT}
LIST_TOOLS = {"method": "tools/list"}


class TestTheMiddlewareBeforeMcp:
    def build(self, setting: Setting) -> Any:
        app = MCPServer("files", log_level="WARNING").streamable_http_app(json_response=True)
        app.add_middleware(McpUserMiddleware)
        app.add_middleware(AuthAgentMiddleware, **setting.options)
        return app

    async def test_l18_a_session_belongs_to_whoever_opened_it(self) -> None:
        tokens = {"ada": make_token("ada"), "bob": make_token("bob")}
        setting = Setting(lambda token: active_answer(sub="ada" if token == tokens["ada"] else "bob"))
        app = self.build(setting)
        async with living(app):
            opened = await call(app, tokens["ada"], INITIALIZE)
            session = opened.headers["mcp-session-id"]
            assert (await call(app, tokens["ada"], LIST_TOOLS, session)).status == 200
            # To another person it looks as if there were none.
            assert (await call(app, tokens["bob"], LIST_TOOLS, session)).status == 404

    async def test_l14_is_closed_without_the_middleware_before_it(self) -> None:
        app = MCPServer("files", log_level="WARNING").streamable_http_app()
        app.add_middleware(McpUserMiddleware)
        with pytest.raises(RuntimeError, match="without it"):
            await call(app, make_token(), LIST_TOOLS)


async def test_the_middleware_stands_before_fastmcp_as_well() -> None:
    setting = Setting(lambda _: active_answer())
    app = FastMCP("files").http_app(
        json_response=True, stateless_http=True, middleware=[Middleware(AuthAgentMiddleware, **setting.options)]
    )
    async with living(app):
        assert (await call(app, make_token(), LIST_TOOLS)).status == 200
        assert (await call(app, "garbage", LIST_TOOLS)).status == 401
