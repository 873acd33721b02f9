"""JSON as the other SDK reads and writes it, so that both see the same in a text."""

import json
import math
from typing import TypeGuard

# An IEEE 754 double holds every integer up to here, and none with more digits than there.
_LARGEST_EXACT = 2**53
_MAX_DIGITS = 308


def parse_json(text: str) -> object:
    """Gives the value a JSON text stands for, or None where it is none (or `null`).

    RFC 8259 to the letter: the standard library alone would also take `NaN` and `Infinity`.
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def write_json(value: object) -> bytes:
    """Gives the shortest JSON text of a value."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A half of a surrogate pair has no UTF-8; written as an escape it is still what the caller sent.
    return text.encode("utf-8", "backslashreplace")


def is_record(value: object) -> TypeGuard[dict[str, object]]:
    """Whether a parsed value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a parsed value is a JSON array."""
    return isinstance(value, list)


def _integer(text: str) -> float | None:
    # Integers of any length are a way to spend somebody's time (CVE-2020-10735).
    return int(text) if len(text) <= _MAX_DIGITS else _fraction(text)


def _fraction(text: str) -> float | None:
    value = float(text)
    if math.isinf(value):
        return None
    # 1.0 and 1 are one number, and JSON.stringify writes it so, as it writes null for what is beyond all numbers.
    return int(value) if value.is_integer() and abs(value) <= _LARGEST_EXACT else value


def _refuse(name: str) -> None:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_fraction, parse_constant=_refuse)
