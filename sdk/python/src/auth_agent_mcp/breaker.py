"""Ends the asking while nobody answers."""

import math

from auth_agent_mcp.introspection import Introspect, Introspection, Unavailable
from auth_agent_mcp.single_flight import Clock

_FAILURES_UNTIL_OPEN = 5
_OPEN_SECONDS = 5


def with_breaker(introspect: Introspect, clock: Clock) -> Introspect:
    """Asks nobody for five seconds after five calls in a row that brought no answer, then lets one call try.

    While the issuer hangs, a request costs no waiting. Only silence counts. An error status comes at once, and one
    token that makes the issuer fail must not lock out the others.
    """
    failures = 0
    open_until_seconds = 0.0

    async def ask(token: str) -> Introspection:
        nonlocal failures, open_until_seconds
        if failures >= _FAILURES_UNTIL_OPEN:
            left_seconds = open_until_seconds - clock()
            if left_seconds > 0:
                return Unavailable("unreachable", math.ceil(left_seconds))
            # Until this call has ended the others are told to wait.
            open_until_seconds = clock() + _OPEN_SECONDS
        answer = await introspect(token)
        if not isinstance(answer, Unavailable) or answer.reason != "unreachable":
            failures = 0
            return answer
        failures += 1
        open_until_seconds = clock() + _OPEN_SECONDS
        return answer

    return ask
