"""Runs every Python block of the pages, as a reader would."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest
from asgi import ask, living, make_scope
from contract_case import DEFAULTS
from contract_token import sign_token
from fastapi import FastAPI, Request
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from serving import serve, serve_in_thread
from support import API_KEY, SERVER_ID

from auth_agent_mcp import AuthAgentOptions

ROOT = Path(__file__).parents[3]
PAGES = ["sdk/python/README.md", "docs/sdk-python.md"]
RESOURCE = "http://localhost:3000/mcp"
BLOCK = re.compile(r"(?:<!-- run as ([a-z ]+) -->\n)?^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOW_SECONDS = DEFAULTS["now_seconds"]


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


BLOCKS = [(page, *match.groups()) for page in PAGES for match in BLOCK.finditer(read(page))]


class Issuer:
    """An issuer on the loopback that signs its tokens with the key of the contract."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.app.add_api_route("/introspect", self._introspect, methods=["POST"])
        self.app.add_api_route("/api/servers/{server_id}", self._facts)
        self.app.add_api_route("/.well-known/jwks.json", self._jwks)
        self.tokens: dict[str, dict[str, Any]] = {}

    def make_token(self, issuer: str, scope: str) -> str:
        claims = {"iss": issuer, "aud": RESOURCE, "scope": scope}
        token = sign_token({"claims": claims}, DEFAULTS)
        self.tokens[token] = {**DEFAULTS["token"]["claims"], **claims, "active": True}
        return token

    async def _introspect(self, request: Request) -> Any:
        async with request.form() as form:
            return self.tokens.get(str(form["token"]), {"active": False})

    async def _facts(self, server_id: str) -> Any:
        return {"server_id": server_id, "server_url": RESOURCE}

    async def _jwks(self) -> Any:
        return DEFAULTS["issuer_answers"]["jwks"]["body"]


class Reader:
    """A reader's machine: the variables are set, and there is somebody with a token."""

    def __init__(self, issuer: Issuer, address: str) -> None:
        self._issuer = issuer
        self.issuer = address

    def headers(self, scope: str = "files:read") -> dict[str, str]:
        return {"Authorization": f"Bearer {self._issuer.make_token(self.issuer, scope)}"}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    issuer = Issuer()
    with serve_in_thread(issuer.app) as server:
        address = f"http://{server.address}"
        monkeypatch.setenv("AUTH_AGENT_SERVER_ID", SERVER_ID)
        monkeypatch.setenv("AUTH_AGENT_API_KEY", API_KEY)
        monkeypatch.setenv("AUTH_AGENT_ISSUER", address)
        monkeypatch.setattr("time.time", lambda: NOW_SECONDS)
        # The issuer answers at once, but a busy machine may let it wait.
        monkeypatch.setattr("auth_agent_mcp.config._DEFAULT_TIMEOUT_MS", 30_000)
        yield Reader(issuer, address)


async def is_protected(app: Any) -> None:
    refused = await ask(app, make_scope("http://localhost:3000/api/files"))
    assert refused.status == 401
    metadata = "http://localhost:3000/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{metadata}"' in refused.headers["www-authenticate"]
    assert f'"auth_agent_server_id":"{SERVER_ID}"' in (await ask(app, make_scope(metadata))).text


async def tells_who(app: Any, reader: Reader) -> None:
    headers = [*reader.headers().items()]
    async with living(app):
        await is_protected(app)
        answered = await ask(app, make_scope("http://localhost:3000/api/files", headers=headers))
    assert (answered.status, answered.text) == (200, '{"you":"user-1"}')


async def writes_with_a_scope(app: Any, reader: Reader) -> None:
    await tells_who(app, reader)
    statuses: list[int] = []
    async with living(app):
        for scope in ("files:read", "files:read files:write"):
            headers = [*reader.headers(scope).items()]
            answered = await ask(app, make_scope("http://localhost:3000/api/files/a", "PUT", headers))
            statuses.append(answered.status)
    assert statuses == [403, 200]


async def calls(url: str, reader: Reader, tool: str, scope: str = "files:read", **arguments: str) -> str:
    # The package's client has types that pyright cannot follow.
    connect: Any = create_mcp_http_client
    async with (
        connect(headers=reader.headers(scope)) as http_client,
        Client(streamable_http_client(url, http_client=http_client)) as client,
    ):
        result = await client.call_tool(tool, arguments)
        return str(getattr(result.content[0], "text", None))


async def serves_tools(app: Any, reader: Reader) -> None:
    async with serve(app, lifespan="on") as server, httpx.AsyncClient() as client:
        refused = await client.post(f"http://{server.address}/mcp", json={})
        assert refused.status_code == 401
        assert '.well-known/oauth-protected-resource/mcp"' in refused.headers["www-authenticate"]
        metadata = await client.get(f"http://{server.address}/.well-known/oauth-protected-resource/mcp")
        assert metadata.json()["resource"] == RESOURCE
        assert metadata.json()["authorization_servers"] == [reader.issuer]
        assert await calls(f"http://{server.address}/mcp", reader, "whoami") == "user-1"


async def serves_tools_and_the_proof(app: Any, reader: Reader) -> None:
    await serves_tools(app, reader)
    metadata = await ask(app, make_scope("http://localhost:3000/.well-known/oauth-protected-resource/mcp"))
    assert f'"auth_agent_server_id":"{SERVER_ID}"' in metadata.text


async def serves_tools_by_scope(app: Any, reader: Reader) -> None:
    async with serve(app, lifespan="on") as server, httpx.AsyncClient(headers=reader.headers()) as client:
        url = f"http://{server.address}/mcp"
        assert await calls(url, reader, "whoami") == "user-1"
        written = await calls(url, reader, "write_file", "files:read files:write", name="a")
        assert written == "a written"
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "write_file"}}
        refused = await client.post(url, json=call)
        assert refused.status_code == 403
        assert 'scope="files:read files:write"' in refused.headers["www-authenticate"]


RUNS: dict[str, Callable[[Any, Reader], Coroutine[Any, Any, None]]] = {
    "fastapi": writes_with_a_scope,
    "guard": tells_who,
    "fastmcp": serves_tools_and_the_proof,
    "jwt": tells_who,
    "mcp": serves_tools_by_scope,
    "mcp verifier": serves_tools,
    "starlette": writes_with_a_scope,
}


@pytest.mark.parametrize(("page", "name", "code"), BLOCKS, ids=[f"{page}: {name}" for page, name, _ in BLOCKS])
async def test_a_block_does_what_the_page_says(page: str, name: str | None, code: str, reader: Reader) -> None:
    assert name in RUNS, "a block says how it is run, in a comment before it"
    namespace: dict[str, Any] = {}
    exec(compile(code, page, "exec"), namespace)
    await RUNS[name](namespace["app"], reader)
    if "verifier" in namespace:
        await namespace["verifier"].close()


def test_the_blocks_are_right_in_the_eyes_of_a_type_checker(tmp_path: Path) -> None:
    for number, (_, _, code) in enumerate(BLOCKS):
        (tmp_path / f"block_{number}.py").write_text(code, "utf-8")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    settings = {"pythonVersion": version, "extraPaths": [str(ROOT / "sdk/python/src")]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    command = [ROOT / "node_modules/.bin/pyright", "-p", tmp_path, "--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "0 errors, 0 warnings" in done.stdout, done.stdout


def test_every_way_to_run_a_block_is_used() -> None:
    assert {name for _, name, _ in BLOCKS} == set(RUNS)


def test_the_table_has_every_option_and_no_other() -> None:
    table, _, _ = read("docs/sdk-python.md").partition("## Scopes")
    named = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    assert set(named) == set(get_type_hints(AuthAgentOptions))
