"""What a client of the tools sees, without HTTP."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import TextContent

from filesystem_server import shared_folder
from filesystem_server.file_tools import create_file_tools
from filesystem_server.shared_folder import SharedFolder, open_shared_folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SharedFolder]:
    folder = open_shared_folder(tmp_path)
    yield folder
    folder.close()


async def call(folder: SharedFolder, tool: str, **arguments: Any) -> str:
    async with Client(create_file_tools(folder)) as client:
        result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    return f"refused: {content.text}" if result.is_error else content.text


async def test_has_four_tools_that_say_what_they_do(folder: SharedFolder) -> None:
    async with Client(create_file_tools(folder)) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == ["list_files", "read_file", "write_file", "delete_file"]
    assert [bool(tool.annotations and tool.annotations.read_only_hint) for tool in tools] == [True, True, False, False]
    assert all(tool.title and tool.description for tool in tools)


async def test_writes_lists_reads_and_deletes_a_file(folder: SharedFolder) -> None:
    assert await call(folder, "list_files") == "The folder is empty."
    assert await call(folder, "write_file", name="note.txt", text="héllo") == "Wrote note.txt."
    assert await call(folder, "list_files") == "note.txt (6 bytes)"
    assert await call(folder, "read_file", name="note.txt") == "héllo"
    assert await call(folder, "delete_file", name="note.txt") == "Deleted note.txt."
    assert await call(folder, "read_file", name="note.txt") == (
        "refused: Error executing tool read_file: There is no file note.txt."
    )


async def test_tells_the_model_why_a_name_was_refused(folder: SharedFolder) -> None:
    for tool in ("read_file", "delete_file"):
        assert (await call(folder, tool, name="../secret")).endswith(": The name leads out of the shared folder.")
    assert (await call(folder, "write_file", name="/etc/x", text="")).endswith("relative to the shared folder.")


async def test_does_not_tell_what_went_wrong_on_this_machine(
    folder: SharedFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "/home/somebody/files")

    monkeypatch.setattr(shared_folder, "kind_of", fail)
    with caplog.at_level(logging.ERROR):
        assert await call(folder, "read_file", name="a.txt") == "refused: Error executing tool read_file"
    assert "Permission denied" in caplog.text
