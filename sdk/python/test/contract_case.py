"""The shapes of `sdk/contract/*.json`, explained in its README."""

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
from contract_token import sign_token

from auth_agent_mcp.json import is_list, is_record

FOLDER = Path(__file__).parents[2] / "contract"


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text("utf-8"))


DEFAULTS: dict[str, Any] = load("defaults.json")

Texts = dict[str, str]


def texts_of(contract: dict[str, Any]) -> Texts:
    """The named texts, with the tokens of one case among them."""
    signed = {name: sign_token(parts, DEFAULTS) for name, parts in contract.get("tokens", {}).items()}
    return {**DEFAULTS["texts"], **signed}


def fill(texts: Texts, value: Any) -> Any:
    """Puts the named texts and the repeated letters in place of their braces, in every text of a value."""
    if isinstance(value, str):
        named = re.sub(r"\{([a-z_]+)\}", lambda match: texts.get(match[1], match[0]), value)
        return re.sub(r"\{(.)\*([0-9]+)\}", lambda match: match[1] * int(match[2]), named)
    if is_list(value):
        return [fill(texts, member) for member in value]
    return {name: fill(texts, member) for name, member in value.items()} if is_record(value) else value


def options_of(contract: dict[str, Any], texts: Texts) -> dict[str, Any]:
    """The options of a case, spelled as in Python."""
    # A busy machine may take its time: only the cases about time-outs have short ones.
    config = {"timeoutMs": 30_000, **DEFAULTS["config"], **fill(texts, contract.get("config", {}))}
    return {snake_case(name): value for name, value in config.items() if value is not None}


def snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)


def expected_headers(wanted: dict[str, Any]) -> dict[str, str]:
    like = wanted.get("like", [])
    lists = [DEFAULTS["header_lists"][name] for name in ([like] if isinstance(like, str) else like)]
    own = {name: value for name, value in wanted.items() if name != "like"}
    return {name: value for headers in [*lists, own] for name, value in headers.items()}


class ScriptedIssuer(httpx.AsyncBaseTransport):
    """Answers from the list, and refuses to be asked without the key or more often than the list is long."""

    def __init__(self, script: Sequence[Any], api_key: str, texts: Texts) -> None:
        self.calls = 0
        self._texts = texts
        self._script = [DEFAULTS["issuer_answers"][entry] if isinstance(entry, str) else entry for entry in script]
        self._api_key = api_key

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        # No network answers before others have had their turn.
        await anyio.lowlevel.checkpoint()
        assert self.calls <= len(self._script), "the script of the issuer has ended"
        answer = self._script[self.calls - 1]
        path = request.url.path
        assert path.endswith(answer.get("to", "")), f"{path} was asked"
        credential = base64.b64decode(request.headers.get("authorization", "")[6:]).decode()
        if path.endswith("/introspect") and not credential.endswith(f":{self._api_key}"):
            return httpx.Response(401, text="{}")
        match answer.get("failure"):
            case "network":
                raise httpx.ConnectError("no route")
            case "timeout":
                await anyio.sleep_forever()
            case _:
                return respond(fill(self._texts, answer))
        raise AssertionError


def respond(answer: dict[str, Any]) -> httpx.Response:
    text = answer["text"] if "text" in answer else json.dumps(answer.get("body"), ensure_ascii=False)
    return httpx.Response(answer["status"], headers=answer["headers"], content=text.encode())
