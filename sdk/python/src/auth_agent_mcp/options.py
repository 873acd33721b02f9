"""What an owner tells the middleware."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypedDict

import httpx

ScopeTable = Mapping[str, Sequence[str]]
"""From one name to the scopes it stands for."""


class _NeededOptions(TypedDict):
    server_id: str | None
    """Id of this server at the issuer, `srv_…`."""


class AuthAgentOptions(_NeededOptions, total=False):
    """What an owner tells the middleware. Every mistake here is told at start, never at the first request."""

    api_key: str | None
    """API key of this server, `sk_…` (not the key's id, `key_…`). Only `validation="jwt"` needs none."""
    required_scopes: Sequence[str]
    """Scopes every request needs. Default none: any live token for this server will do."""
    tool_scopes: ScopeTable
    """Scopes single tools need on top: `{"write_file": ["files:write"]}`."""
    prompt_scopes: ScopeTable
    """Scopes single prompts need on top, by the prompt's name."""
    resource_scopes: ScopeTable
    """Scopes single resources need on top, by the resource's whole URI in any spelling; no patterns."""
    scope_implications: ScopeTable
    """What a broader scope includes: `{"files:write": ["files:read"]}` (MCP 2026-07-28, Authorization)."""
    filter_lists: bool
    """Whether lists of tools, prompts and resources show only what the token's scopes allow. Default false."""
    validation: Literal["introspect", "jwt"]
    """How a token is checked. Default `introspect`: the issuer is asked.

    `jwt`: by its signature alone, with the issuer's public keys; a revocation is then only seen when the token ends,
    after an hour at most. Needs the extra `jwt`.
    """
    signature_first: bool
    """Whether the signature is checked before the issuer is asked, so that garbage costs no call. Needs `jwt`."""
    issuer: str | None
    """Default: `AUTH_AGENT_ISSUER` from the environment, else the public deployment. https, or http on loopback."""
    server_url: str | None
    """The exact URL that was registered. Default: read once from the issuer."""
    cache_ttl_seconds: float
    """Seconds a live token is remembered, 0 (off) to 60; never past its `exp`. Default 30."""
    timeout_ms: float
    """Milliseconds to wait for the issuer, 1 to 30,000. Default 3,000."""
    stale_if_error_seconds: float
    """Seconds a remembered token stays good while the issuer cannot be reached, 0 (off) to 600. Default 0."""
    max_body_bytes: int
    """Largest JSON body read for the scopes of tools, prompts and resources, in bytes. Default 4 MiB."""
    allowed_hosts: Sequence[str] | None
    """Hosts this server answers to, with or without port. Default: any."""
    allowed_origins: Sequence[str] | None
    """Browser origins this server answers to. Default: any, because nothing is answered without a token."""
    http_client: httpx.AsyncClient | None
    """The client with which the issuer is asked; who gives one closes it. Default: one of our own."""
    log: Callable[[str], None] | None
    """Where trouble is told, one line each, without secrets. Default: the logger `auth_agent_mcp`, as an error."""


class AuthAgentConfigError(Exception):
    """An option is missing or mistaken. The message names the option, never its value."""
