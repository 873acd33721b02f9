"""The scopes that a message needs."""

from collections.abc import Mapping

from auth_agent_mcp.config import Config
from auth_agent_mcp.json import is_list, is_record
from auth_agent_mcp.resource_key import resource_keys
from auth_agent_mcp.rpc_messages import Message

Scopes = tuple[str, ...]

# Comparing costs time, and a body has room for a URI of megabytes. In UTF-16, as the other SDK counts.
_MAX_URI_BYTES = 2 * 8_192


def has_tables(config: Config) -> bool:
    """Whether the configuration says anything about single tools, prompts or resources."""
    return bool(config.tool_scopes or config.prompt_scopes or config.resource_scopes)


def scopes_of_message(message: Message, config: Config) -> Scopes:
    """The scopes of the tool, prompt or resource that a message is about (MCP 2026-07-28, Server Features)."""
    params = message.get("params")
    members: Message = params if is_record(params) else {}
    match message.get("method"):
        case "tools/call":
            return scopes_of_tool(members.get("name"), config)
        case "prompts/get":
            return scopes_of_prompt(members.get("name"), config)
        # Subscriptions by a method of their own are of the revisions before 2026-07-28.
        case "resources/read" | "resources/subscribe" | "resources/unsubscribe":
            return scopes_of_resource(members.get("uri"), config)
        case "subscriptions/listen":
            return _scopes_of_watched(members.get("notifications"), config)
        case "completion/complete":
            # Completions tell what a prompt or resource holds.
            ref = members.get("ref")
            names: Message = ref if is_record(ref) else {}
            return scopes_of_prompt(names.get("name"), config) + scopes_of_resource(names.get("uri"), config)
        case _:
            return ()


def scopes_of_tool(name: object, config: Config) -> Scopes:
    """The scopes of a tool by its name."""
    return _scopes_in(config.tool_scopes, name)


def scopes_of_prompt(name: object, config: Config) -> Scopes:
    """The scopes of a prompt by its name."""
    return _scopes_in(config.prompt_scopes, name)


def scopes_of_resource(uri: object, config: Config) -> Scopes:
    """The scopes of a resource by its URI, in whatever spelling.

    One that is too long to be compared might be any of those that are listed.
    """
    table = config.resource_scopes
    if not table:
        return ()
    if not isinstance(uri, str):
        return _scopes_in(table, uri)
    if len(uri.encode("utf-16-le", "surrogatepass")) > _MAX_URI_BYTES:
        return _all_scopes(table)
    return tuple(scope for key in resource_keys(uri) for scope in _scopes_in(table, key))


def _scopes_in(table: Mapping[str, Scopes], name: object) -> Scopes:
    if isinstance(name, str):
        return table.get(name, ())
    # A handler that does not look makes text of it, and then it might be any of those that are listed.
    return () if name is None else _all_scopes(table)


def _all_scopes(table: Mapping[str, Scopes]) -> Scopes:
    return tuple(scope for scopes in table.values() for scope in scopes)


def _scopes_of_watched(notifications: object, config: Config) -> Scopes:
    watched = notifications.get("resourceSubscriptions") if is_record(notifications) else None
    uris = watched if is_list(watched) else []
    return tuple(scope for uri in uris for scope in scopes_of_resource(uri, config))
