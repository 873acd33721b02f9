"""Ends a `match` over a union."""

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Lets the type checker refuse a `match` in which a case is missing.

    Raises:
        AssertionError: Always; it names the type and never the value.
    """
    raise AssertionError(f"unexpected case: {type(value).__name__}")
