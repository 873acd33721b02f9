"""A bounded memory."""

from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Lru(Generic[Value]):
    """A bounded memory that forgets what was not used for longest."""

    __slots__ = ("_capacity", "_entries")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # A plain dict finds its oldest key only by walking over all that were deleted before it.
        self._entries: OrderedDict[bytes, Value] = OrderedDict()

    def get(self, key: bytes) -> Value | None:
        """Gives what is remembered under a key."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def set(self, key: bytes, value: Value) -> None:
        """Remembers a value as the newest."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def delete(self, key: bytes) -> None:
        """Forgets a key."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)
