"""Starts the example: `python -m filesystem_server`."""

import os
import sys

import uvicorn
from auth_agent_mcp import AuthAgentConfigError

from filesystem_server.app import create_app
from filesystem_server.settings import read_settings
from filesystem_server.shared_folder import open_shared_folder


def main() -> int:
    """Runs until Ctrl-C or SIGTERM; gives the exit code."""
    settings = read_settings(os.environ)
    try:
        app = create_app(settings, open_shared_folder(settings.files_folder))
    except AuthAgentConfigError as error:
        return _stop(f"{error}. Set AUTH_AGENT_SERVER_ID and AUTH_AGENT_API_KEY (and AUTH_AGENT_ISSUER).")
    except (OSError, NotImplementedError) as error:
        return _stop(f"the folder {settings.files_folder} cannot be shared: {error}.")
    print(f"MCP server: {settings.server_url}", flush=True)
    # Nobody stands in front of it whose X-Forwarded headers it could believe.
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", proxy_headers=False)
    return 0


def _stop(sentence: str) -> int:
    print(f"The example server does not start: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
