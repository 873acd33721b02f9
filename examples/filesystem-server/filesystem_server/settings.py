"""What the environment says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings", "read_settings"]


@dataclass(frozen=True)
class Settings:
    """Everything the example needs to know."""

    server_id: str | None
    api_key: str | None
    issuer: str | None
    server_url: str
    port: int
    host: str
    files_folder: Path


def read_settings(env: Mapping[str, str]) -> Settings:
    """Reads the environment. What it must hold is checked by the middleware, which refuses to start without it."""
    port = int(env.get("PORT") or 9401)
    return Settings(
        server_id=env.get("AUTH_AGENT_SERVER_ID"),
        api_key=env.get("AUTH_AGENT_API_KEY"),
        issuer=env.get("AUTH_AGENT_ISSUER") or None,
        server_url=env.get("SERVER_URL") or f"http://localhost:{port}/mcp",
        port=port,
        # Other machines get in only when asked for (MCP 2026-07-28, Streamable HTTP, Security).
        host=env.get("HOST") or "127.0.0.1",
        files_folder=Path(env.get("FILES_FOLDER") or Path(__file__).parent.parent / "files"),
    )
