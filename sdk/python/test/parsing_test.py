import base64
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgi import make_scope
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from auth_agent_mcp.access_token import read_token_header
from auth_agent_mcp.answers import Challenge, write_challenge
from auth_agent_mcp.bearer import Malformed, Present, read_bearer_token
from auth_agent_mcp.body import Body
from auth_agent_mcp.fixed_url import parse_issuer, parse_server_url
from auth_agent_mcp.incoming import IncomingRequest
from auth_agent_mcp.json import parse_json, write_json
from auth_agent_mcp.rpc_messages import HeaderMismatch, Read, RpcMessages, Unreadable, read_messages
from auth_agent_mcp.scopes import held_scopes, is_scope_token

pytestmark = pytest.mark.anyio

b64token = st.text("ABCxyz019-._~+/", min_size=1)
scope = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"\\'], min_size=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class TestTheAuthorizationHeader:
    @given(
        st.text()
        | st.lists(st.sampled_from(["Bearer", "bearer", " ", "\t", ",", "=", '"', "Basic", "\n"]) | b64token).map(
            "".join
        )
    )
    def test_l11_whatever_it_holds_a_token_is_found_only_as_bearer_spaces_b64token(self, header: str) -> None:
        read = read_bearer_token(header)
        match = re.fullmatch(r"bearer +([A-Za-z0-9\-._~+/]+=*)", header, re.IGNORECASE | re.ASCII)
        assert (read.token if isinstance(read, Present) else None) == (match and match[1])

    @given(st.lists(st.booleans(), min_size=6, max_size=6), st.integers(1, 9), b64token, st.integers(0, 2))
    def test_l11_finds_every_b64token_behind_every_spelling_of_the_scheme(
        self, upper: list[bool], spaces: int, token: str, padding: int
    ) -> None:
        scheme = "".join(letter.upper() if up else letter for letter, up in zip("bearer", upper, strict=True))
        assert read_bearer_token(f"{scheme}{' ' * spaces}{token}{'=' * padding}") == Present(token + "=" * padding)

    @pytest.mark.parametrize("part", [" ", "\t", "A", "=", ",", "Bearer ", "A="])
    def test_l12_reads_a_megabyte_without_going_over_it_twice(self, part: str) -> None:
        # A pattern that backtracks would need hours for this.
        flood = part * (1_000_000 // len(part))
        assert read_bearer_token(f"Bearer {flood}!") == Malformed()
        assert not isinstance(read_bearer_token(f"Bearer{flood}\0"), Present)
        assert read_token_header(flood) is None

    @given(st.text() | st.text("ey.AbJ-_="))
    def test_l8_nothing_random_passes_for_a_token(self, text: str) -> None:
        assert read_token_header(text) is None


class TestTheChallenge:
    @given(st.lists(scope, unique=True))
    def test_k9_every_scope_can_be_read_back_from_the_header_as_it_was(self, scopes: list[str]) -> None:
        header = write_challenge(Challenge(scopes, "https://a/b", "insufficient_scope", "x"))
        parameters = dict(re.findall(r'([a-z_]+)="([^"\\]*)"', header))
        assert parameters.get("scope", "") == " ".join(scopes)
        assert parameters["resource_metadata"] == "https://a/b"
        assert re.fullmatch(r"[\x20-\x7e]+", header)

    @given(st.text())
    def test_k9_the_grammar_of_scopes_has_no_space_quote_backslash_control_or_foreign_character(
        self, text: str
    ) -> None:
        allowed = text != "" and all(" " < letter <= "~" and letter not in '"\\' for letter in text)
        assert is_scope_token(text) == allowed

    @given(st.lists(scope), scope)
    def test_l10_a_scope_is_held_only_if_it_or_one_that_implies_it_was_granted(
        self, granted: list[str], one: str
    ) -> None:
        assert held_scopes(granted, {}) == set(granted)
        implications = {"top": ("middle",), "middle": ("top", one)}
        assert held_scopes(["top", *granted], implications) == {"top", "middle", one, *granted}


class TestConfiguredUrls:
    @given(
        st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,4}", fullmatch=True)
        | st.ip_addresses(v=4).map(str)
        | st.sampled_from(
            [
                "localhost",
                "localhost.evil.example",
                "127.0.0.1.evil.example",
                "LOCALHOST",
                "127.1",
                "0x7f.1",
                "0x7f000001",
                "127.0.0.1.",
                "[::1]",
                "[::ffff:7f00:1]",
                "[0:0::1]",
                "localhost@evil.example",
            ]
        ),
        st.sampled_from(["http://", "HTTP://", "https://"]),
        st.sampled_from(["", ":80", ":9400", "/x", ":", "@evil.example", "\\@evil.example"]),
    )
    def test_l22_never_lets_http_through_to_another_machine(self, host: str, scheme: str, rest: str) -> None:
        try:
            url = parse_issuer(f"{scheme}{host}{rest}").href
        except ValueError:
            return
        if not url.startswith("https://"):
            assert urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")

    @given(st.lists(st.text("ab.%2eE/-~<^", max_size=6), max_size=5).map("/".join))
    def test_a_canonical_url_stays_what_it_is(self, path: str) -> None:
        url = parse_server_url(f"https://MCP.example:443/{path}")
        assert parse_server_url(url.href) == url
        assert url.origin == "https://mcp.example"
        assert not {".", "..", "%2e", "%2E"} & set(url.path.split("/"))

    @pytest.mark.parametrize(
        ("written", "href"),
        [
            # What `new URL(…)` of the other SDK makes of them.
            ("https://a/^|<>`{}~[]", "https://a/%5E|%3C%3E%60%7B%7D~[]"),
            ("https://a:/x", "https://a/x"),
            ("https://A_b:0443/x", "https://a_b/x"),
            ("https://a./x", "https://a./x"),
            ("https://a/%2E%2e/b/./c/..", "https://a/b/"),
            ("https://a/b/..", "https://a"),
            ("https://a//b", "https://a//b"),
            ("https://a/b/", "https://a/b/"),
            ("https://[1:0:0:0::2]/", "https://[1::2]"),
            ("https://1.2.3.4:8443", "https://1.2.3.4:8443"),
        ],
    )
    def test_spellings_fold_as_in_the_url_standard(self, written: str, href: str) -> None:
        assert parse_server_url(written).href == href

    @pytest.mark.parametrize(
        "text",
        [
            "https:a/x",
            "https:////a/x",
            "https://1.2.3/",
            "https://1.2.3.04/",
            "https://a%41/",
            "https://a!b/",
            "https://[::ffff:1.2.3.4]/",
            "https://[::1%25eth0]/",
            "https://a:99999/",
            "https://a:b/",
            "https://",
            "/",
        ],
    )
    def test_odd_spellings_are_mistakes(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^(is|has) "):
            parse_server_url(text)


async def read(*chunks: bytes, headers: dict[str, str] | None = None) -> tuple[RpcMessages, bytes]:
    """What is read of a body, and what the handler finds."""
    last = len(chunks) - 1
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": position < last} for position, chunk in enumerate(chunks)
    ]
    came = iter(messages)

    async def receive() -> Message:
        return next(came)

    body = Body(receive)
    request = IncomingRequest(make_scope("https://mcp.example/mcp", "POST", (headers or {}).items()))
    called = await read_messages(request, body, 1_000_000)
    left: list[bytes] = []
    while len(left) < len(chunks):
        left.append((await body.receive())["body"])
    return called, b"".join(left)


def cut(text: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(text) + 1) for place in places} | {len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


class TestTheBody:
    @given(st.text(" \t\r\n", max_size=9), json_values, st.text(max_size=9), st.lists(st.integers(0), max_size=4))
    async def test_the_tool_is_found_however_the_json_around_it_is_written_and_the_body_stays_whole(
        self, space: str, extra: Any, name: str, places: list[int]
    ) -> None:
        around, named = json.dumps(extra), json.dumps(name, ensure_ascii=len(name) % 2 == 0)
        text = f'{space}{{"x":{around},{space}"method":"tools/call","params":{{"y":{around},"name":{named}}}}}{space}'
        called, whole = await read(*cut(text.encode(), places))
        params = {"y": extra, "name": name}
        assert called == Read([{"x": extra, "method": "tools/call", "params": params}])
        assert whole == text.encode()

    @given(st.binary(), st.lists(st.integers(0), max_size=4))
    async def test_never_raises_for_any_bytes_and_reads_only_json_or_what_does_not_begin_like_it(
        self, junk: bytes, places: list[int]
    ) -> None:
        called, whole = await read(*cut(junk, places))
        assert isinstance(called, Read | Unreadable)
        assert whole == junk
        in_pieces, _ = await read(junk)
        assert in_pieces == called

    @given(
        json_values, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
    )
    async def test_whatever_json_loads_would_find_is_read_or_refused(self, value: Any, encoding: str) -> None:
        body = json.dumps([value], ensure_ascii=False).encode(encoding)
        assert json.loads(body) == [value]
        called, _ = await read(body)
        if encoding.startswith("utf-8"):
            assert isinstance(called, Read)
        else:
            assert called == Unreadable("not_json")

    @pytest.mark.parametrize(
        "text", ["[NaN]", "[Infinity]", "[-Infinity]", '["\t"]', "[01]", "[1,]", "{'a':1}", "[" * 99_999]
    )
    async def test_what_only_python_would_take_for_json_is_none(self, text: str) -> None:
        assert (await read(text.encode()))[0] == Unreadable("not_json")

    @pytest.mark.parametrize("name", ["=?base64?/w==?=", "=?base64?A?=", "=?base64?AA=?=", "=?base64?====?="])
    async def test_a_name_in_broken_base64_is_no_name(self, name: str) -> None:
        called, _ = await read(b'{"method":"x","id":4}', headers={"mcp-name": name})
        assert called == HeaderMismatch("Mcp-Name", 4)

    @given(st.text())
    async def test_every_name_can_be_sent_in_base64(self, name: str) -> None:
        encoded = base64.b64encode(name.encode()).decode()
        body = json.dumps({"method": "tools/call", "params": {"name": name}}).encode()
        for written in (encoded, encoded.rstrip("=")):
            called, _ = await read(body, headers={"mcp-name": f"=?base64?{written}?="})
            assert isinstance(called, Read)


class TestJson:
    @given(json_values)
    def test_a_value_comes_back_as_it_was(self, value: Any) -> None:
        assert json.loads(write_json(parse_json(json.dumps([value])))) == [value]

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ('{"a" : 1.0, "b": "\\ud800", "c": "\\u00e9\\u007f\\/"}', '{"a":1,"b":"\\ud800","c":"é\x7f/"}'),
            ("[1e999,-1e999]", "[null,null]"),
            (f"[{'9' * 400}]", "[null]"),
            ("[9007199254740993]", "[9007199254740993]"),
            ('{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'),
        ],
    )
    def test_is_written_as_short_as_can_be(self, text: str, written: str) -> None:
        assert write_json(parse_json(text)).decode() == written
