"""Sends requests to the issuer."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import anyio
import httpx
from anyio.lowlevel import current_token

from auth_agent_mcp.config import Config

Result = TypeVar("Result")

_ACCEPT_JSON = {"Accept": "application/json"}


class AskIssuer:
    """A pooled client that is made with the first call and closed with the application.

    It waits no longer than `timeout_ms` in all, and tries once more where the connection failed: an idle one that the
    issuer has just closed fails like that. What is asked changes nothing at the issuer, so it may arrive twice.
    """

    __slots__ = ("_client", "_given", "_issuer", "_loop", "_timeout_seconds", "_tls")

    def __init__(self, config: Config) -> None:
        self._issuer = config.issuer
        self._timeout_seconds = config.timeout_ms / 1000
        self._given = config.http_client
        self._client: httpx.AsyncClient | None = None
        self._loop: object = None
        self._tls: ssl.SSLContext | None = None

    async def get(self, path: str, read: Callable[[httpx.Response], Awaitable[Result]]) -> Result:
        """Asks for a JSON document and gives what `read` makes of the answer.

        Raises:
            TimeoutError: Where no answer comes in time.
            httpx.TransportError: Where the connection fails twice.
        """
        return await self._ask(self._build("GET", path, _ACCEPT_JSON), read)

    async def post_form(
        self,
        path: str,
        read: Callable[[httpx.Response], Awaitable[Result]],
        form: Mapping[str, str],
        credential: str,
    ) -> Result:
        """Sends a form and gives what `read` makes of the answer; raises as `get` does."""
        headers = {**_ACCEPT_JSON, "Authorization": credential}
        return await self._ask(self._build("POST", path, headers, form), read)

    async def close(self) -> None:
        """Closes the connections. A later call makes new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop == current_token():
            await client.aclose()

    def _build(
        self, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> httpx.Request:
        # The time limit is set over all of it.
        url = f"{self._issuer}{path}"
        return self._get_client().build_request(method, url, headers=headers, data=form, timeout=None)

    async def _ask(self, request: httpx.Request, read: Callable[[httpx.Response], Awaitable[Result]]) -> Result:
        client = self._get_client()
        with anyio.fail_after(self._timeout_seconds):
            try:
                response = await _send(client, request)
            except httpx.TransportError:
                response = await _send(client, request)
            try:
                return await read(response)
            finally:
                await response.aclose()

    def _get_client(self) -> httpx.AsyncClient:
        if self._given is not None:
            return self._given
        loop = current_token()
        # Connections die with the loop they were made in; a process may have one loop after the other.
        if self._client is None or self._loop != loop:
            if self._tls is None:
                self._tls = httpx.create_ssl_context()
            self._client = httpx.AsyncClient(verify=self._tls)
            self._loop = loop
        return self._client


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    # A redirect would carry the key and the token to whoever is named there. What the client of an owner adds for
    # other hosts (`auth`) has no business here.
    return await client.send(request, stream=True, follow_redirects=False, auth=None)
