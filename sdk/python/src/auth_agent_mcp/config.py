"""The options, checked, with their defaults."""

import base64
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, cast

import httpx

from auth_agent_mcp.fixed_url import FixedUrl, parse_issuer, parse_server_url
from auth_agent_mcp.options import AuthAgentConfigError, AuthAgentOptions, ScopeTable
from auth_agent_mcp.resource_key import resource_keys
from auth_agent_mcp.scopes import is_scope_token, join_scopes

ScopeMap = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Config:
    """The options, checked, with their defaults."""

    server_id: str
    # Empty only where nothing is asked with it.
    credential: str = field(repr=False)
    validation: Literal["introspect", "jwt"]
    signature_first: bool
    issuer: str
    server_url: FixedUrl | None
    required_scopes: tuple[str, ...]
    tool_scopes: ScopeMap
    prompt_scopes: ScopeMap
    # By `resource_key`.
    resource_scopes: ScopeMap
    scope_implications: ScopeMap
    filter_lists: bool
    cache_ttl_seconds: float
    timeout_ms: float
    stale_if_error_seconds: float
    max_body_bytes: float
    allowed_hosts: tuple[str, ...] | None
    allowed_origins: tuple[str, ...] | None
    http_client: httpx.AsyncClient | None = field(repr=False)
    log: Callable[[str], None] = field(repr=False)


_DEFAULT_TIMEOUT_MS: Final = 3000
_PUBLIC_ISSUER: Final = "https://mcp.auth-agent.com"
_KNOWN_OPTIONS: Final = AuthAgentOptions.__required_keys__ | AuthAgentOptions.__optional_keys__


def parse_options(options: AuthAgentOptions) -> Config:
    """Checks the options and fills in the defaults.

    Raises:
        AuthAgentConfigError: Naming the option that is missing or mistaken.
    """
    for name in options:
        # A misspelled option (`required_scope`) would silently leave a server open.
        if name not in _KNOWN_OPTIONS:
            raise AuthAgentConfigError(f"{name} is not an option of AuthAgentMiddleware")
    server_id = _parse_server_id(options.get("server_id"))
    validation = _parse_validation(options.get("validation", "introspect"))
    issuer = options.get("issuer")
    server_url = options.get("server_url")
    return Config(
        server_id=server_id,
        credential=_basic(server_id, options.get("api_key"), validation),
        validation=validation,
        signature_first=_truth_value("signature_first", options.get("signature_first", False)),
        issuer=_parse_url("issuer", _default_issuer() if issuer is None else issuer, parse_issuer).href,
        server_url=None if server_url is None else _parse_url("server_url", server_url, parse_server_url),
        required_scopes=scope_list("required_scopes", options.get("required_scopes", ())),
        tool_scopes=(tool_scopes := _scope_table("tool_scopes", options.get("tool_scopes"))),
        prompt_scopes=(prompt_scopes := _scope_table("prompt_scopes", options.get("prompt_scopes"))),
        resource_scopes=(resource_scopes := _scope_table("resource_scopes", options.get("resource_scopes"))),
        scope_implications=_scope_table("scope_implications", options.get("scope_implications")),
        filter_lists=_parse_filter_lists(
            options.get("filter_lists", False), tool_scopes, prompt_scopes, resource_scopes
        ),
        cache_ttl_seconds=_number_between("cache_ttl_seconds", options.get("cache_ttl_seconds", 30), 0, 60),
        timeout_ms=_number_between("timeout_ms", options.get("timeout_ms", _DEFAULT_TIMEOUT_MS), 1, 30_000),
        stale_if_error_seconds=_number_between(
            "stale_if_error_seconds", options.get("stale_if_error_seconds", 0), 0, 600
        ),
        max_body_bytes=_number_between("max_body_bytes", options.get("max_body_bytes", 4_194_304), 1, 104_857_600),
        allowed_hosts=_lower(_text_list("allowed_hosts", options.get("allowed_hosts"))),
        allowed_origins=_text_list("allowed_origins", options.get("allowed_origins")),
        http_client=options.get("http_client"),
        log=options.get("log") or logging.getLogger("auth_agent_mcp").error,
    )


def scope_list(option: str, scopes: Sequence[str]) -> tuple[str, ...]:
    """Gives the scopes as a list without repetitions, checked against RFC 6749 §3.3.

    Raises:
        AuthAgentConfigError: Naming the option.
    """
    texts = _texts(option, scopes, "a list of scopes")
    for scope in texts:
        # The grammar keeps quotes, backslashes and line breaks out of the challenge header (RFC 6750 §3).
        if not is_scope_token(scope):
            raise AuthAgentConfigError(f"{option} holds a scope with a character that RFC 6749 §3.3 does not allow")
        if scope in ("offline_access", "*"):
            raise AuthAgentConfigError(f"{option} must not hold {scope}: it is not a scope of a server")
    return tuple(dict.fromkeys(texts))


def _scope_table(option: str, table: ScopeTable | None) -> ScopeMap:
    if table is None:
        return MappingProxyType({})
    if not _is_mapping(table):
        raise AuthAgentConfigError(f"{option} must be a mapping from a name to a list of scopes")
    entries = {name: scope_list(f"{option}.{name}", scopes) for name, scopes in table.items()}
    _texts(option, list(entries), "a mapping from a name to a list of scopes")
    if option == "scope_implications":
        scope_list(option, list(entries))
    return MappingProxyType(_by_resource_key(entries) if option == "resource_scopes" else entries)


def _by_resource_key(table: ScopeMap) -> dict[str, tuple[str, ...]]:
    """Two spellings of one resource share the scopes of both."""
    by_key: dict[str, tuple[str, ...]] = {}
    for uri, scopes in table.items():
        for key in resource_keys(uri):
            by_key[key] = join_scopes(by_key.get(key, ()), scopes)
    return by_key


def _parse_filter_lists(value: object, *tables: ScopeMap) -> bool:
    filters = _truth_value("filter_lists", value)
    if filters and not any(tables):
        raise AuthAgentConfigError("filter_lists needs tool_scopes, prompt_scopes or resource_scopes")
    return filters


def _parse_validation(value: object) -> Literal["introspect", "jwt"]:
    if value == "introspect":
        return "introspect"
    if value == "jwt":
        return "jwt"
    raise AuthAgentConfigError("validation must be one of: introspect, jwt")


def _truth_value(option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise AuthAgentConfigError(f"{option} must be True or False")
    return value


def _parse_server_id(server_id: object) -> str:
    if not isinstance(server_id, str) or server_id == "":
        raise AuthAgentConfigError("server_id is missing")
    if re.fullmatch(r"srv_[0-9A-Za-z]{8,64}", server_id) is None:
        raise AuthAgentConfigError("server_id is not the id of a server: it looks like srv_…")
    return server_id


def _parse_api_key(api_key: object) -> str:
    if not isinstance(api_key, str) or api_key == "":
        raise AuthAgentConfigError("api_key is missing")
    if api_key.startswith("key_"):
        raise AuthAgentConfigError("api_key is the id of a key (key_…); the key itself (sk_…) was shown once when made")
    if api_key.startswith("smt_"):
        raise AuthAgentConfigError("api_key is a management token (smt_…); make an API key (sk_…) with it")
    if re.fullmatch(r"sk_[0-9A-Za-z]{32,128}", api_key) is None:
        raise AuthAgentConfigError("api_key is not an API key: it looks like sk_… and is never cut off")
    return api_key


def _basic(server_id: str, api_key: object, validation: str) -> str:
    if validation == "jwt" and api_key is None:
        return ""
    api_key = _parse_api_key(api_key)
    return "Basic " + base64.b64encode(f"{server_id}:{api_key}".encode()).decode()


def _default_issuer() -> str:
    return os.environ.get("AUTH_AGENT_ISSUER") or _PUBLIC_ISSUER


def _parse_url(option: str, value: object, parse: Callable[[str], FixedUrl]) -> FixedUrl:
    if not isinstance(value, str):
        raise AuthAgentConfigError(f"{option} must be a text")
    try:
        return parse(value)
    except ValueError as error:
        raise AuthAgentConfigError(f"{option} {error}") from None


def _number_between(option: str, value: object, least: int, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise AuthAgentConfigError(f"{option} must be a number from {least} to {most}")
    return value


def _text_list(option: str, texts: Sequence[str] | None) -> tuple[str, ...] | None:
    if texts is None:
        return None
    listed = _texts(option, texts, "a list of texts")
    if "" in listed:
        raise AuthAgentConfigError(f"{option} must be a list of texts")
    return listed


# The types say what may be given; not everybody has a type checker, and a mistake here must not pass in silence.
def _texts(option: str, value: object, wanted: str) -> tuple[str, ...]:
    # A text is a sequence of its letters, which is never what was meant.
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise AuthAgentConfigError(f"{option} must be {wanted}")
    texts = tuple(text for text in cast("Sequence[object]", value) if isinstance(text, str))
    if len(texts) != len(cast("Sequence[object]", value)):
        raise AuthAgentConfigError(f"{option} must be {wanted}, which are texts")
    return texts


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _lower(texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if texts is None else tuple(text.lower() for text in texts)
