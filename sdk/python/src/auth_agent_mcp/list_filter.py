"""Cuts the lists in one answer down to what the token's scopes allow."""

from collections.abc import Sequence
from typing import Literal

from auth_agent_mcp.config import Config
from auth_agent_mcp.event_filter import EventFilter
from auth_agent_mcp.json import is_list, is_record, parse_json, write_json
from auth_agent_mcp.rpc_messages import Message
from auth_agent_mcp.rpc_scopes import scopes_of_prompt, scopes_of_resource, scopes_of_tool

_List = Literal["tools", "prompts", "resources"]

_LIST_OF_METHOD: dict[object, _List] = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
}


class ListFilter:
    """Cuts the lists in the answer to some messages."""

    __slots__ = ("_asked", "_config", "_held")

    def __init__(self, asked: dict[str, _List], held: frozenset[str], config: Config) -> None:
        self._asked = asked
        self._held = held
        self._config = config

    def json(self, text: str) -> str:
        """Cuts a body that is JSON as a whole."""
        answer = parse_json(text)
        answers = answer if is_list(answer) else [answer]
        cut = [self._cut_down(one) for one in answers if is_record(one)]
        return write_json(answer).decode() if True in cut else text

    def events(self) -> EventFilter:
        """For a body of server-sent events, which goes on as it comes."""
        return EventFilter(self.json)

    def _cut_down(self, answer: Message) -> bool:
        """Changes the answer in place and says whether it did."""
        name = self._asked.get(_key_of(answer))
        result = answer.get("result")
        if name is None or not is_record(result):
            return False
        entries = result.get(name)
        if not is_list(entries):
            return False
        result[name] = [entry for entry in entries if self._is_shown(name, entry)]
        # It depends on the token now, so no shared cache may keep it (MCP 2026-07-28, Caching).
        if result.get("cacheScope") == "public":
            result["cacheScope"] = "private"
        return True

    def _is_shown(self, name: _List, entry: object) -> bool:
        if not is_record(entry):
            return True
        return self._held.issuperset(_scopes_of_entry(name, entry, self._config))


def create_list_filter(messages: Sequence[Message], held: frozenset[str], config: Config) -> ListFilter | None:
    """Makes the filter for the answer to these messages; None where it has no list, or nobody asked for filters."""
    if not config.filter_lists:
        return None
    asked: dict[str, _List] = {}
    for message in messages:
        name = _list_asked(message)
        if name is not None:
            asked[_key_of(message)] = name
    return ListFilter(asked, held, config) if asked else None


def _list_asked(message: Message) -> _List | None:
    method = message.get("method")
    return _LIST_OF_METHOD.get(method) if isinstance(method, str) else None


def _key_of(message: Message) -> str:
    """The id, in a form in which `1`, `"1"` and `true` are three."""
    return write_json(message.get("id")).decode("latin-1")


def _scopes_of_entry(name: _List, entry: Message, config: Config) -> tuple[str, ...]:
    match name:
        case "resources":
            return scopes_of_resource(entry.get("uri"), config)
        case "tools":
            return scopes_of_tool(entry.get("name"), config)
        case "prompts":
            return scopes_of_prompt(entry.get("name"), config)
