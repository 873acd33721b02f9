"""Tells the owner of trouble."""

from collections.abc import Callable
from typing import Literal

from auth_agent_mcp.config import Config
from auth_agent_mcp.introspection import UnavailableReason
from auth_agent_mcp.single_flight import Clock

Trouble = UnavailableReason | Literal["misaddressed", "answer_encoded", "defect"]

Report = Callable[[Trouble], None]
"""Tells the owner of trouble, each kind at most once a minute."""

_REPEAT_AFTER_SECONDS = 60

# Sentences without parameters: nothing that came over the wire can get into a log through here.
_SENTENCES: dict[Trouble, str] = {
    "key_refused": (
        "the issuer REFUSES THE API KEY: it was revoked, has expired, or belongs to another server. "
        "Nobody can get in until api_key is right."
    ),
    "unreachable": "the issuer cannot be reached in time; requests are answered 503",
    "bad_status": "the issuer answers introspection with an error; requests are answered 503",
    "bad_answer": "the issuer answers introspection with something else than RFC 7662; requests are answered 503",
    "server_url_unknown": (
        "the issuer did not tell the URL of this server: check server_id and issuer, or set server_url; "
        "requests are answered 503"
    ),
    "keys_unavailable": (
        "the issuer's public keys cannot be had, or not renewed for an hour; requests with a token are answered 503"
    ),
    "misaddressed": (
        "a live token names another audience: server_url is not, letter by letter, the URL that was registered for "
        "server_id"
    ),
    "answer_encoded": (
        "a list was encoded before filter_lists could see it: put whatever compresses answers before the middleware, "
        "not behind it; such lists are answered 500"
    ),
    "defect": "a defect in the middleware; requests are answered 503",
}


def create_report(config: Config, clock: Clock) -> Report:
    """Makes a report that speaks through the option `log`."""
    quiet_until_seconds: dict[Trouble, float] = {}

    def report(trouble: Trouble) -> None:
        if clock() < quiet_until_seconds.get(trouble, 0):
            return
        quiet_until_seconds[trouble] = clock() + _REPEAT_AFTER_SECONDS
        config.log(f"auth-agent {config.server_id}: {_SENTENCES[trouble]}")

    return report
