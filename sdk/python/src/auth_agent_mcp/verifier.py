"""What the token verifiers of MCP frameworks have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, cast

import httpx

from auth_agent_mcp.assert_never import assert_never
from auth_agent_mcp.config import parse_options
from auth_agent_mcp.core import Core
from auth_agent_mcp.introspection import Unavailable
from auth_agent_mcp.options import AuthAgentConfigError, AuthAgentOptions, ScopeTable
from auth_agent_mcp.resource import Resource
from auth_agent_mcp.user import User
from auth_agent_mcp.verify_token import Active, Inactive


class _NeededOptions(TypedDict):
    server_id: str | None


class VerifierOptions(_NeededOptions, total=False):
    """The options that are about tokens, as in `AuthAgentOptions`.

    A verifier never sees the request, so it cannot keep what the others promise.
    """

    api_key: str | None
    scope_implications: ScopeTable
    validation: Literal["introspect", "jwt"]
    signature_first: bool
    issuer: str | None
    server_url: str | None
    cache_ttl_seconds: float
    timeout_ms: float
    stale_if_error_seconds: float
    http_client: httpx.AsyncClient | None
    log: Callable[[str], None] | None


_KNOWN_OPTIONS = VerifierOptions.__required_keys__ | VerifierOptions.__optional_keys__


class IssuerUnavailableError(Exception):
    """The issuer could not be asked about a token; nothing is known about it."""


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token that is good here.

    Attributes:
        scopes: The granted ones with all they imply.
        server_url: The registered URL of this server, for which it was issued.
    """

    user: User
    scopes: tuple[str, ...]
    server_url: str


class Verifier:
    """Judges tokens, with memories of its own."""

    __slots__ = ("core",)

    def __init__(self, name: str, options: Mapping[str, object], also_known: Sequence[str] = ()) -> None:
        """Makes one.

        Args:
            name: What its user calls it.
            options: See `VerifierOptions`.
            also_known: Options that its framework sees to.

        Raises:
            AuthAgentConfigError: For a missing or mistaken option.
        """
        for option in options:
            if option not in _KNOWN_OPTIONS and option not in also_known:
                raise AuthAgentConfigError(f"{option} is not an option of {name}, which sees no request")
        self.core = Core(parse_options(cast("AuthAgentOptions", options)))

    def __repr__(self) -> str:
        return f"of {self.core.config.server_id} at {self.core.config.issuer}"

    async def read_resource(self) -> Resource:
        """Gives what this server is to OAuth.

        Raises:
            IssuerUnavailableError: While the issuer has not told its URL.
        """
        resource = await self.core.read_resource()
        if resource is None:
            raise IssuerUnavailableError("the authorization server did not tell the URL of this server")
        return resource

    async def verify(self, token: str) -> VerifiedToken | None:
        """Judges a token; None where it is not good here.

        Raises:
            IssuerUnavailableError: Where the issuer could not be asked.
        """
        resource = await self.read_resource()
        verification = await self.core.verify_token(token, resource.server_url)
        match verification:
            case Active():
                return VerifiedToken(verification.user, tuple(sorted(verification.held)), resource.server_url)
            case Inactive():
                if verification.misaddressed:
                    self.core.report("misaddressed")
                return None
            case Unavailable():
                self.core.report(verification.reason)
                raise IssuerUnavailableError("the authorization server could not be asked about a token")
            case _:
                return assert_never(verification)

    async def close(self) -> None:
        """Closes the connections to the issuer."""
        await self.core.close()
