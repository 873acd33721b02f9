"""The MCP server and its four tools."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from filesystem_server.file_name import FileRefused
from filesystem_server.shared_folder import SharedFolder

__all__ = ["create_file_tools"]

FileName = Annotated[
    str, Field(description="Name of the file, relative to the shared folder, for example notes/today.txt")
]
FileText = Annotated[str, Field(description="The whole new text of the file")]

Result = TypeVar("Result")

_READING = ToolAnnotations(read_only_hint=True)
_DELETING = ToolAnnotations(destructive_hint=True, idempotent_hint=True)


def create_file_tools(folder: SharedFolder) -> MCPServer:
    """Makes the MCP server. Who may call which tool is decided before a request gets here."""
    # Nothing here changes by itself, so there is nothing to subscribe to.
    server = MCPServer("auth-agent-example-files", version="0.1.0", subscriptions=False, log_level="WARNING")
    _add_reading(server, folder)
    _add_changing(server, folder)
    return server


def _add_reading(server: MCPServer, folder: SharedFolder) -> None:
    @server.tool(title="List files", description="Lists the files in the shared folder.", annotations=_READING)
    def list_files() -> str:
        lines = [f"{file.name} ({file.size_bytes} bytes)" for file in folder.list()]
        return "\n".join(lines) or "The folder is empty."

    @server.tool(title="Read a file", description="Reads a text file of the shared folder.", annotations=_READING)
    def read_file(name: FileName) -> str:
        return _answer(lambda: folder.read(name))


def _add_changing(server: MCPServer, folder: SharedFolder) -> None:
    writing = "Writes a text file into the shared folder, or replaces one."

    @server.tool(title="Write a file", description=writing)
    def write_file(name: FileName, text: FileText) -> str:
        _answer(lambda: folder.write(name, text))
        return f"Wrote {name}."

    @server.tool(title="Delete a file", description="Deletes a file of the shared folder.", annotations=_DELETING)
    def delete_file(name: FileName) -> str:
        _answer(lambda: folder.delete(name))
        return f"Deleted {name}."


def _answer(act: Callable[[], Result]) -> Result:
    """A refusal is written for the model that asked; of anything else it gets to know only that it happened."""
    try:
        return act()
    except FileRefused as refused:
        raise ToolError(str(refused)) from refused
