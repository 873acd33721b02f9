"""Rewrites a stream of server-sent events piece by piece (WHATWG HTML §9.2.6)."""

import re
from collections.abc import Callable

_ENDING = re.compile(r"\r\n|\n|\r")
_FIELD_NAME = re.compile("data:? ?")

Rewrite = Callable[[str], str]


class _Line:
    __slots__ = ("content", "ending")

    def __init__(self, content: str, ending: str) -> None:
        self.content = content
        self.ending = ending


class EventFilter:
    r"""Rewrites the messages of events as they come.

    Lines end with CRLF, LF or CR, and an event with an empty line. Every line goes on as soon as it is whole, comments
    that keep a connection alive among them, but the `data` lines of an event: they wait for its end, because only
    together they are a message.
    """

    __slots__ = ("_held", "_last", "_open", "_rewrite")

    def __init__(self, rewrite: Rewrite) -> None:
        self._rewrite = rewrite
        # The data lines of the event that is coming in.
        self._held: list[_Line] = []
        # The pieces of the line that has no end yet.
        self._open: list[str] = []
        # The line whose CR may be the first half of a CRLF.
        self._last: _Line | None = None

    def push(self, text: str) -> str:
        """Gives what may go on now that this has come."""
        if text == "":
            return ""
        passed: list[str] = []
        if not self._open and self._last is not None and text.startswith("\n"):
            passed.append(self._take_lf(self._last))
            text = text[1:]
        self._last = None
        start = 0
        for match in _ENDING.finditer(text):
            self._open.append(text[start : match.start()])
            passed.append(self._take(self._close_line(), match[0]))
            start = match.end()
        if start < len(text):
            self._open.append(text[start:])
        return "".join(passed)

    def end(self) -> str:
        """Gives what is left when nothing more comes."""
        # A reader drops an event without its empty line; one that does not must not see more for it.
        left = self._close_line()
        if not _is_data(left):
            return self._close_event() + left
        self._held.append(_Line(left, ""))
        return self._close_event()

    def _take(self, content: str, ending: str) -> str:
        line = _Line(content, ending)
        self._last = line if ending == "\r" else None
        if content == "":
            return self._close_event() + ending
        if not _is_data(content):
            return content + ending
        self._held.append(line)
        return ""

    def _take_lf(self, line: _Line) -> str:
        """The LF of a CRLF whose CR was in the piece before: it belongs to its line, wherever that is."""
        if line not in self._held:
            return "\n"
        line.ending = "\r\n"
        return ""

    def _close_line(self) -> str:
        content = "".join(self._open)
        self._open.clear()
        return content

    def _close_event(self) -> str:
        written = "".join(line.content + line.ending for line in self._held)
        message = "\n".join(_FIELD_NAME.sub("", line.content, count=1) for line in self._held)
        self._held.clear()
        rewritten = message if message == "" else self._rewrite(message)
        return written if rewritten == message else f"data: {rewritten}\n"


def _is_data(line: str) -> bool:
    return line == "data" or line.startswith("data:")
