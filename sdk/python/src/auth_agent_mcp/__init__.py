"""Protects an MCP server with Auth-Agent MCP."""

from auth_agent_mcp.access import Access
from auth_agent_mcp.guard import Allowed, Answer, Decision, Guard, create_guard
from auth_agent_mcp.options import AuthAgentConfigError, AuthAgentOptions, ScopeTable
from auth_agent_mcp.response import Response, send_response
from auth_agent_mcp.starlette import AuthAgentMiddleware, require_scopes
from auth_agent_mcp.user import User

__all__ = [
    "Access",
    "Allowed",
    "Answer",
    "AuthAgentConfigError",
    "AuthAgentMiddleware",
    "AuthAgentOptions",
    "Decision",
    "Guard",
    "Response",
    "ScopeTable",
    "User",
    "create_guard",
    "require_scopes",
    "send_response",
]
