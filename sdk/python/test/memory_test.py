import gc
import sys
from collections import Counter

import anyio
import anyio.lowlevel
import pytest
from support import Setting, active_answer, make_token

from auth_agent_mcp.config import parse_options
from auth_agent_mcp.introspection import AnsweredActive, AnsweredInactive, Introspection
from auth_agent_mcp.lru import Lru
from auth_agent_mcp.single_flight import SingleFlight
from auth_agent_mcp.user import User
from auth_agent_mcp.verify_token import Active, Inactive, VerifyToken

pytestmark = pytest.mark.anyio

on_every_loop = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])


def allocated_blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


ADA = User("a", "i", None, email_verified=False, scopes=(), client_id="c", expires_at=float("inf"))


async def test_l7_100_000_random_tokens_neither_push_out_a_good_one_nor_pile_up() -> None:
    good = make_token()
    asked: Counter[str] = Counter()

    async def introspect(token: str) -> Introspection:
        asked[token] += 1
        await anyio.lowlevel.checkpoint()
        return AnsweredActive("here", ADA) if token == good else AnsweredInactive(definite=True)

    verify = VerifyToken(parse_options(Setting(lambda _: active_answer()).options), introspect, lambda: 0)
    header, payload, _ = good.split(".")

    async def ask(number: int) -> None:
        token = f"{header}.{payload}.{number:A>86}"
        assert await verify(token, "here") == Inactive()

    assert await verify(good, "here") == Active(ADA, frozenset())
    for number in range(2_000):
        await ask(number)
    asked.clear()
    blocks = allocated_blocks()
    for number in range(2_000, 100_000):
        await ask(number)
        asked.clear()
    # The memories were full before. One remembered token takes two blocks and more.
    assert allocated_blocks() - blocks < 2_000
    assert await verify(good, "here") == Active(ADA, frozenset())
    assert asked[good] == 0
    await ask(99_999)
    assert asked.total() == 0
    await ask(0)
    assert asked.total() == 1


async def test_l7_forgets_what_was_not_used_for_longest() -> None:
    lru = Lru[int](2)
    lru.set(b"a", 1)
    lru.set(b"b", 2)
    assert lru.get(b"a") == 1
    lru.set(b"c", 3)
    assert [lru.get(b"a"), lru.get(b"b"), lru.get(b"c"), len(lru)] == [1, None, 3, 2]


class Calls:
    """A call that goes on until it is told how it ends."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = anyio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        return number


@on_every_loop
async def test_l8_nobody_hangs_on_a_call_that_never_ends_and_it_is_not_joined_for_ever() -> None:
    now_seconds = 0.0
    flights = SingleFlight[str](0.02, lambda: now_seconds, "late")
    got: list[str] = []

    async def forever() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    async def wait() -> None:
        got.append(await flights.run("key", forever))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        group.start_soon(wait)
    assert got == ["late", "late"]
    now_seconds = 0.021

    async def fresh() -> str:
        return "fresh"

    assert await flights.run("key", fresh) == "fresh"


@on_every_loop
async def test_l8_runs_one_call_a_key_at_a_time() -> None:
    flights = SingleFlight[int](10, lambda: 0, -1)
    calls = Calls()
    got: list[tuple[str, int]] = []

    async def wait(key: str) -> None:
        got.append((key, await flights.run(key, calls)))

    async with anyio.create_task_group() as group:
        for key in ("a", "a", "b"):
            group.start_soon(wait, key)
        await anyio.wait_all_tasks_blocked()
        assert calls.begun == 2
        calls.may_end.set()
    assert len({number for key, number in got if key == "a"}) == 1
    assert {key for key, _ in got} == {"a", "b"}
    assert await flights.run("a", calls) == 3


@on_every_loop
@pytest.mark.parametrize("cancelled", range(3))
async def test_l8_who_goes_away_takes_nobody_along(cancelled: int) -> None:
    flights = SingleFlight[int](10, lambda: 0, -1)
    calls = Calls()
    got: list[int] = []
    scopes = [anyio.CancelScope() for _ in range(3)]

    async def wait(scope: anyio.CancelScope) -> None:
        with scope:
            got.append(await flights.run("key", calls))

    async with anyio.create_task_group() as group:
        for scope in scopes:
            group.start_soon(wait, scope)
            await anyio.wait_all_tasks_blocked()
        scopes[cancelled].cancel()
        await anyio.wait_all_tasks_blocked()
        # Whoever made the call took it along; one of the others made it anew.
        assert calls.begun == (2 if cancelled == 0 else 1)
        calls.may_end.set()
    assert got == [calls.begun] * 2


@on_every_loop
async def test_a_call_that_fails_fails_for_all_who_share_it_once() -> None:
    flights = SingleFlight[int](10, lambda: 0, -1)
    failed = 0

    async def fail() -> int:
        await anyio.wait_all_tasks_blocked()
        raise OSError("no")

    async def wait() -> None:
        nonlocal failed
        with pytest.raises(OSError, match="no"):
            await flights.run("key", fail)
        failed += 1

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        group.start_soon(wait)
    assert failed == 2

    async def seven() -> int:
        return 7

    assert await flights.run("key", seven) == 7
