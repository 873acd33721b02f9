"""What the example needs to start."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from auth_agent_mcp import AuthAgentConfigError

from filesystem_server.app import create_app
from filesystem_server.settings import read_settings
from filesystem_server.shared_folder import SharedFolder, open_shared_folder

GOOD = {"AUTH_AGENT_SERVER_ID": "srv_0123456789abcdefghijAB", "AUTH_AGENT_API_KEY": f"sk_{'k' * 61}"}


@pytest.fixture
def folder() -> Iterator[SharedFolder]:
    folder = open_shared_folder(read_settings({}).files_folder)
    yield folder
    folder.close()


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({}, "server_id is missing"),
        ({"AUTH_AGENT_SERVER_ID": GOOD["AUTH_AGENT_SERVER_ID"]}, "api_key is missing"),
        ({**GOOD, "AUTH_AGENT_API_KEY": ""}, "api_key is missing"),
        ({**GOOD, "AUTH_AGENT_API_KEY": "key_0123456789ab"}, "api_key is the id of a key"),
    ],
)
def test_l27_does_not_start_without_credentials(folder: SharedFolder, env: dict[str, str], complaint: str) -> None:
    with pytest.raises(AuthAgentConfigError, match=complaint):
        create_app(read_settings(env), folder)


def test_starts_with_credentials_on_port_9401_unless_told_otherwise(folder: SharedFolder) -> None:
    create_app(read_settings(GOOD), folder)
    settings = read_settings({})
    assert (settings.port, settings.host, settings.server_url) == (9401, "127.0.0.1", "http://localhost:9401/mcp")
    assert read_settings({"PORT": "7000"}).server_url == "http://localhost:7000/mcp"


def test_l27_says_where_there_is_no_folder_to_share(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_shared_folder(tmp_path / "nothing")
