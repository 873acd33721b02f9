"""Discovery, which needs no token and never reaches a handler."""

from auth_agent_mcp.answers import refuse
from auth_agent_mcp.incoming import IncomingRequest
from auth_agent_mcp.resource import METADATA_PATH, Resource
from auth_agent_mcp.response import Response

WELL_KNOWN = "/.well-known/"
"""What the path of every request about discovery holds."""

_MAX_AGE_SECONDS = 300

# Clients probe a server for an authorization server's documents as well (MCP 2025-03-26): they need a plain "no".
_PROBED_PATHS = (METADATA_PATH, "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


def is_metadata_path(request: IncomingRequest) -> bool:
    """Whether a request is about discovery."""
    if not request.may_be_below(WELL_KNOWN):
        return False
    path = request.path
    return any(path == probed or path.startswith(f"{probed}/") for probed in _PROBED_PATHS)


def answer_metadata(request: IncomingRequest, resource: Resource) -> Response:
    """Serves the RFC 9728 document at its own two paths and nowhere else (§3.1)."""
    if request.path not in resource.metadata_paths:
        return refuse(404, "not_found", "There is no such metadata document on this server.")
    if request.method not in ("GET", "HEAD"):
        return refuse(405, "method_not_allowed", "This document can only be read.", ("Allow", "GET, HEAD"))
    headers = (("Cache-Control", f"public, max-age={_MAX_AGE_SECONDS}"), ("ETag", resource.etag))
    if _names_etag(request.header("if-none-match") or "", resource.etag):
        return Response(304, headers)
    body = b"" if request.method == "HEAD" else resource.document
    return Response(200, (*headers, ("Content-Type", "application/json")), body)


def _names_etag(if_none_match: str, etag: str) -> bool:
    """RFC 9110 §13.1.2, weak comparison."""
    names = [name.strip().removeprefix("W/") for name in if_none_match.split(",")]
    return etag in names or "*" in names
