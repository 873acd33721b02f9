"""What this server is to OAuth: a protected resource (RFC 9728)."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from auth_agent_mcp.ask_issuer import AskIssuer
from auth_agent_mcp.config import Config, scope_list
from auth_agent_mcp.fixed_url import FixedUrl, parse_server_url
from auth_agent_mcp.json import is_record, parse_json, write_json
from auth_agent_mcp.read_text import read_text_up_to
from auth_agent_mcp.scopes import join_scopes
from auth_agent_mcp.sha256 import sha256_base64_url
from auth_agent_mcp.single_flight import Clock, SingleFlight, flight_seconds

METADATA_PATH = "/.well-known/oauth-protected-resource"

_PAUSE_AFTER_FAILURE_SECONDS = 5
_MAX_FACTS_BYTES = 65_536
_OK = 200


@dataclass(frozen=True, slots=True)
class Resource:
    """A protected resource, made from configuration alone.

    Attributes:
        server_url: The registered URL: `resource` in the metadata, `aud` in tokens.
        metadata_url: Where the document is, for challenges.
        metadata_paths: The paths at which the document is served: the path form and the root form.
        document: The document's bytes.
        etag: Its strong entity tag.
    """

    server_url: str
    metadata_url: str
    metadata_paths: tuple[str, ...]
    document: bytes
    etag: str


class ReadResource:
    """Reads `server_url` once from the issuer where the owner has not given it; one failing call in 5 seconds.

    Attributes:
        known: The resource, once it is known.
    """

    __slots__ = ("_ask", "_clock", "_config", "_failed", "_flights", "_paused_until_seconds", "known")

    def __init__(self, config: Config, ask: AskIssuer, clock: Clock, failed: Callable[[], None]) -> None:
        self._config = config
        self._ask = ask
        self._clock = clock
        self._failed = failed
        self._flights = SingleFlight[Resource | None](flight_seconds(config.timeout_ms), clock, None)
        self._paused_until_seconds = 0.0
        self.known = None if config.server_url is None else describe_resource(config, config.server_url)

    async def __call__(self) -> Resource | None:
        """Gives the resource, or None while the issuer has not told its URL."""
        if self.known is not None or self._clock() < self._paused_until_seconds:
            return self.known
        return await self._flights.run("server_url", self._ask_once)

    async def _ask_once(self) -> Resource | None:
        server_url = await _fetch_server_url(self._config, self._ask)
        if server_url is None:
            self._paused_until_seconds = self._clock() + _PAUSE_AFTER_FAILURE_SECONDS
            self._failed()
            return None
        self.known = describe_resource(self._config, server_url)
        return self.known


def describe_resource(config: Config, server_url: FixedUrl) -> Resource:
    """Makes the resource from configuration, and the URL that was registered."""
    path = f"{METADATA_PATH}{server_url.path}"
    document = write_json(
        {
            "resource": server_url.href,
            "authorization_servers": [config.issuer],
            "scopes_supported": _supported_scopes(config),
            "bearer_methods_supported": ["header"],
            # With this member the issuer believes that whoever deployed this owns the URL.
            "auth_agent_server_id": config.server_id,
        }
    )
    return Resource(
        server_url=server_url.href,
        metadata_url=f"{server_url.origin}{path}",
        metadata_paths=tuple(dict.fromkeys((path, METADATA_PATH))),
        document=document,
        etag=f'"{sha256_base64_url(document.decode())[:22]}"',
    )


def _supported_scopes(config: Config) -> tuple[str, ...]:
    """Every scope the configuration speaks of; `offline_access` cannot be among them (see `scope_list`)."""
    implications = [(broader, *narrower) for broader, narrower in config.scope_implications.items()]
    tables = (config.tool_scopes, config.prompt_scopes, config.resource_scopes)
    of_tables = [scopes for table in tables for scopes in table.values()]
    return scope_list("scopes", join_scopes(config.required_scopes, *of_tables, *implications))


async def _fetch_server_url(config: Config, ask: AskIssuer) -> FixedUrl | None:
    """The public facts of a server; unlike its metadata they are there before it is verified."""
    try:
        text = await ask.get(f"/api/servers/{config.server_id}", _read_facts)
        facts = None if text is None else parse_json(text)
        if not is_record(facts) or facts.get("server_id") != config.server_id:
            return None
        server_url = facts.get("server_url")
        return parse_server_url(server_url) if isinstance(server_url, str) else None
    except Exception:  # noqa: BLE001 - no URL, whatever the reason
        return None


async def _read_facts(response: httpx.Response) -> str | None:
    return await read_text_up_to(response, _MAX_FACTS_BYTES) if response.status_code == _OK else None
