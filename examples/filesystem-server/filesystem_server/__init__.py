"""An MCP server on FastAPI over one shared folder, protected by the SDK."""
