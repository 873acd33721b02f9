"""Calls that several requests share."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, NoReturn, TypeVar

import anyio
from anyio.lowlevel import current_token

Clock = Callable[[], float]
"""Gives seconds since the epoch."""

Result = TypeVar("Result")


# What is asked has a time limit of its own, and knows better what it means when that is over.
_GRACE_SECONDS = 0.5


def flight_seconds(timeout_ms: float) -> float:
    """How long the waiters of a call wait that itself takes no longer than `timeout_ms`."""
    return timeout_ms / 1000 + _GRACE_SECONDS


class _Flight(Generic[Result]):
    __slots__ = ("landed", "outcome", "started_at_seconds")

    def __init__(self, started_at_seconds: float) -> None:
        self.started_at_seconds = started_at_seconds
        self.landed = anyio.Event()
        self.outcome: Callable[[], Result] | None = None


class SingleFlight(Generic[Result]):
    """Runs one call a key at a time; who comes meanwhile gets its result.

    Nobody waits longer than `timeout_seconds`, and a call older than that is not joined. The call runs in the task of
    whoever came first; when that one is cancelled, the next of those who wait begins it anew.
    """

    __slots__ = ("_clock", "_flights", "_late", "_timeout_seconds")

    def __init__(self, timeout_seconds: float, clock: Clock, late: Result) -> None:
        """Makes one without calls.

        Args:
            timeout_seconds: How long anybody waits.
            clock: Seconds since the epoch.
            late: What a waiter gets whose time is up.
        """
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._late = late
        self._flights: dict[Hashable, _Flight[Result]] = {}

    async def run(self, key: Hashable, start: Callable[[], Awaitable[Result]]) -> Result:
        """Gives the result of the call of this key that is on its way, or of a new one."""
        # An event belongs to one loop; a process may have several, as the test clients of frameworks do.
        own_key = (current_token(), key)
        deadline = anyio.current_time() + self._timeout_seconds
        while (flight := self._flights.get(own_key)) is not None and self._is_young(flight):
            with anyio.CancelScope(deadline=deadline):
                await flight.landed.wait()
            if flight.outcome is not None:
                return flight.outcome()
            if not flight.landed.is_set():
                return self._late
        return await self._begin(own_key, start, deadline)

    def _is_young(self, flight: _Flight[Result]) -> bool:
        return self._clock() - flight.started_at_seconds < self._timeout_seconds

    async def _begin(self, key: Hashable, start: Callable[[], Awaitable[Result]], deadline: float) -> Result:
        flight = self._flights[key] = _Flight[Result](self._clock())
        try:
            flight.outcome = await self._settle(start, deadline)
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.landed.set()
        return flight.outcome()

    async def _settle(self, start: Callable[[], Awaitable[Result]], deadline: float) -> Callable[[], Result]:
        result = self._late
        # Being late is a result for all who wait; being cancelled is nobody's but the task's own.
        with anyio.CancelScope(deadline=deadline):
            try:
                result = await start()
            except Exception as error:  # noqa: BLE001 - it is raised again, for everybody who waits
                return _raiser(error)
        return lambda: result


def _raiser(error: Exception) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail
