from typing import Any

import anyio
import httpx
import pytest
from asgi import ask
from contract_case import DEFAULTS
from contract_token import sign_token
from hypothesis import assume, given
from hypothesis import strategies as st
from support import Setting, active_answer, bearer

from auth_agent_mcp import AuthAgentConfigError, AuthAgentMiddleware, create_guard

pytestmark = pytest.mark.anyio

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JWKS = DEFAULTS["issuer_answers"]["jwks"]["body"]
NOW_SECONDS = DEFAULTS["now_seconds"]


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW_SECONDS)


def token_with(**parts: Any) -> str:
    return sign_token(parts, DEFAULTS)


def protect() -> tuple[AuthAgentMiddleware, Setting]:
    async def handler(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    setting = Setting(lambda _: httpx.Response(200, json=JWKS), api_key=None, validation="jwt")
    return AuthAgentMiddleware(handler, **setting.options), setting


async def test_l21_1000_unknown_kids_cost_one_call_for_the_keys_and_do_not_lock_out_a_good_one() -> None:
    app, setting = protect()
    tokens = [token_with(header={"kid": f"unknown-{number}"}) for number in range(1000)]
    statuses: list[int] = []

    async def one(token: str) -> None:
        statuses.append((await ask(app, bearer(token))).status)

    for _ in range(2):
        async with anyio.create_task_group() as group:
            for token in tokens:
                group.start_soon(one, token)
    assert set(statuses) == {401}
    assert (await ask(app, bearer(token_with()))).status == 200
    assert [str(request.url) for request in setting.issuer.requests] == ["https://issuer.example/.well-known/jwks.json"]


GOOD = token_with()


# Not the last letter: base64url of 64 bytes leaves two bits of it open, and every decoder takes them for nothing.
@given(st.integers(0, len(GOOD) - 2), st.sampled_from(LETTERS))
async def test_l20_tokens_are_refused_with_any_other_letter_anywhere(place: int, letter: str) -> None:
    assume(GOOD[place] != letter)
    app, _ = protect()
    assert (await ask(app, bearer(GOOD[:place] + letter + GOOD[place + 1 :]))).status == 401


@given(
    st.dictionaries(
        st.sampled_from(["exp", "iat", "nbf", "sub", "scope", "aud", "iss", "jti", "cnf"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2),
    )
)
async def test_l20_whatever_the_claims_hold_nothing_raises_and_503_is_never_the_answer(claims: dict[str, Any]) -> None:
    app, _ = protect()
    assert (await ask(app, bearer(token_with(claims=claims)))).status in (200, 401, 403)


@pytest.mark.parametrize("option", [{"validation": "jwt"}, {"signature_first": True}])
def test_l1_does_not_start_without_the_package_that_an_option_needs(
    option: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing(name: str) -> None:
        return None

    monkeypatch.setattr("auth_agent_mcp.core.find_spec", find_nothing)
    with pytest.raises(AuthAgentConfigError, match=r"auth-agent-mcp\[jwt\]"):
        create_guard(**Setting(lambda _: active_answer(), **option).options)
    create_guard(**Setting(lambda _: active_answer()).options)
