"""The person a request acts for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """The person a request acts for.

    Key your data on `issuer` and `sub` together: an e-mail address changes hands. The access token is not in here, so
    that it cannot be passed on by mistake (MCP 2026-07-28, Token Handling).

    Attributes:
        sub: The account at the issuer.
        issuer: The authorization server that vouches for it.
        email: Its address, where the server was registered with it.
        email_verified: False unless the issuer says otherwise.
        scopes: What was granted.
        client_id: The client that acts for the person.
        expires_at: When the token ends, in seconds since the epoch.
    """

    sub: str
    issuer: str
    email: str | None
    email_verified: bool
    scopes: tuple[str, ...]
    client_id: str
    expires_at: float
