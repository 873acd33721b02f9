"""The body of a request, read without taking it from the handler."""

from collections import deque

from starlette.types import Message, Receive


class Body:
    """Reads a body chunk by chunk, and gives the handler all that was read and all that comes after."""

    __slots__ = ("_messages", "_receive", "failure", "is_whole")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()
        self.is_whole = False
        self.failure: Exception | None = None

    async def read(self) -> bytes | None:
        """Gives the next chunk; None at the end, and also where the caller has gone (`is_whole` is false then)."""
        if self.is_whole:
            return None
        try:
            message = await self._receive()
        except Exception as error:
            # A limit of the application's own; not a defect of ours.
            self.failure = error
            raise
        self._messages.append(message)
        if message["type"] != "http.request":
            return None
        self.is_whole = not message.get("more_body", False)
        return message.get("body", b"")

    async def receive(self) -> Message:
        """The handler's `receive`."""
        return self._messages.popleft() if self._messages else await self._receive()
