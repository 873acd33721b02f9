import base64
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import parse_qs

import anyio.lowlevel
import httpx
from asgi import make_scope

from auth_agent_mcp import AuthAgentOptions

API_KEY = f"sk_{'SeCrEtKeY' * 7}"
SERVER_ID = "srv_0123456789abcdefghijAB"
RESOURCE = "https://mcp.example/mcp"

Answer = Callable[[str], httpx.Response | Awaitable[httpx.Response]]


def make_token(subject: str = "user-1") -> str:
    """A text in the shape of an access token, new at each call."""
    header, payload = encode({"typ": "at+jwt", "alg": "ES256"}), encode({"sub": subject})
    return f"{header}.{payload}.{base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip('=')}"


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def active_answer(**members: Any) -> httpx.Response:
    answer = {"active": True, "sub": "user-1", "client_id": "client", "scope": "files:read", "aud": RESOURCE}
    return httpx.Response(200, json={**answer, "exp": int(time.time()) + 3600, **members})


class Issuer(httpx.AsyncBaseTransport):
    """Answers as told, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        self.requests: list[httpx.Request] = []
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        token = parse_qs((await request.aread()).decode()).get("token", [""])[0]
        self.requests.append(request)
        self.asked.append(token)
        # No network answers before others have had their turn.
        await anyio.lowlevel.checkpoint()
        answer = self._answer(token)
        return answer if isinstance(answer, httpx.Response) else await answer


class Setting:
    """Options with an issuer that answers as told, and what it was asked and what was logged."""

    def __init__(self, answer: Answer, **more: Any) -> None:
        self.issuer = Issuer(answer)
        self.logged: list[str] = []
        options: dict[str, Any] = {
            "server_id": SERVER_ID,
            "api_key": API_KEY,
            "issuer": "https://issuer.example",
            "server_url": RESOURCE,
            "required_scopes": ["files:read"],
            "http_client": httpx.AsyncClient(transport=self.issuer),
            "log": self.logged.append,
            **more,
        }
        self.options = cast("AuthAgentOptions", options)


def bearer(token: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    """The scope of a request with this token."""
    return make_scope(RESOURCE, method, [("Authorization", f"Bearer {token}")], **more)
