"""Which hosts and origins a server answers to."""

import re

from auth_agent_mcp.answers import refuse
from auth_agent_mcp.config import Config
from auth_agent_mcp.incoming import IncomingRequest
from auth_agent_mcp.response import Response

_PORT = re.compile(r":[0-9]{1,5}\Z")


def refuse_stranger(request: IncomingRequest, config: Config) -> Response | None:
    """Refuses hosts and browser origins that the owner has not listed (MCP 2026-07-28, Streamable HTTP, Security).

    A page that points its own name at this machine sends that name here.
    """
    if config.allowed_hosts is not None:
        host = (request.header("host") or "").lower()
        if host not in config.allowed_hosts and _PORT.sub("", host) not in config.allowed_hosts:
            return refuse(403, "forbidden", "This server does not answer to that host name.")
    if config.allowed_origins is not None:
        origin = request.header("origin")
        if origin is not None and origin not in config.allowed_origins:
            return refuse(403, "forbidden", "This server does not answer to pages of that origin.")
    return None
