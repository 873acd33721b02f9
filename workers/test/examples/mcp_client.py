"""A program with the official `mcp` client and its OAuth provider, told what to do line by line.

Each line of standard input is a JSON object. `{"tool": …, "arguments": …}` calls a tool; `{"expire": true}` lets the
access token be past its time; `{"state": true}` tells the tokens and the registration. In between the program says
`{"authorize": URL}` and reads `{"callback": URL}`, as a program with a browser and a listener would. Each answer of a
server is told as `{"exchange": …}`.
"""

import argparse
import asyncio
import base64
import json
import sys
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import TextContent


def say(**said: Any) -> None:
    print(json.dumps(said), flush=True)


async def hear() -> dict[str, Any]:
    line = await asyncio.to_thread(sys.stdin.readline)
    if line == "":
        sys.exit(0)
    heard: dict[str, Any] = json.loads(line)
    return heard


class Memory:
    """What the program remembers; with a `client_id` it has been registered beforehand."""

    def __init__(self, client_id: str | None) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None
        if client_id is not None:
            self.client = OAuthClientInformationFull(client_id=client_id, token_endpoint_auth_method="none")  # noqa: S106

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def ask_person(url: str) -> None:
    say(authorize=url)


async def read_callback() -> AuthorizationCodeResult:
    callback: str = (await hear())["callback"]
    parameters = dict(parse_qsl(urlsplit(callback).query))
    if "error" in parameters:
        raise PermissionError(parameters["error"])
    return AuthorizationCodeResult(code=parameters["code"], state=parameters.get("state"), iss=parameters.get("iss"))


async def tell_exchange(response: httpx2.Response) -> None:
    request = response.request
    kind = request.headers.get("content-type", "")
    sent: dict[str, Any] = {}
    if request.url.path == "/register":
        sent = json.loads(request.content)
    elif kind.startswith("application/x-www-form-urlencoded"):
        sent = dict(parse_qsl(request.content.decode()))
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    basic = base64.b64decode(credentials).decode() if scheme == "Basic" else None
    line = f"{request.method} {request.url.path} {response.status_code}"
    say(exchange={"line": line, "sent": sent, "scheme": scheme, "basic": basic})


async def obey(client: Client, provider: OAuthClientProvider, memory: Memory, command: dict[str, Any]) -> None:
    if "tool" in command:
        result = await client.call_tool(command["tool"], command["arguments"])
        text = "".join(content.text for content in result.content if isinstance(content, TextContent))
        say(text=text, is_error=bool(result.is_error))
    elif "expire" in command:
        provider.context.token_expiry_time = 1.0
        say(expired=True)
    else:
        tokens = memory.tokens and memory.tokens.model_dump(exclude_none=True)
        registered = memory.client and memory.client.model_dump(mode="json", exclude_none=True)
        say(tokens=tokens, client=registered)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--redirect-uri", required=True)
    parser.add_argument("--mode", default="auto")
    parser.add_argument("--client-id")
    options = parser.parse_args()

    memory = Memory(options.client_id)
    metadata = OAuthClientMetadata(client_name="Python program", redirect_uris=[options.redirect_uri])
    provider = OAuthClientProvider(options.url, metadata, memory, ask_person, read_callback)
    hooks: dict[str, list[Any]] = {"response": [tell_exchange]}
    http = httpx2.AsyncClient(auth=provider, event_hooks=hooks, timeout=60)
    async with http:
        transport = streamable_http_client(options.url, http_client=http)
        async with Client(transport, mode=options.mode) as client:
            say(connected=client.protocol_version)
            while True:
                command = await hear()
                try:
                    await obey(client, provider, memory, command)
                except Exception as error:  # noqa: BLE001, whoever gave the command wants to know
                    say(failed=f"{type(error).__name__}: {error}")


asyncio.run(main())
