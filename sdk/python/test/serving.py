"""Real servers on the loopback, one loop with the test or a thread of their own."""

import socket
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import uvicorn
from starlette.types import ASGIApp


class Server(uvicorn.Server):
    """Says when it is there, and how many connections it has."""

    def __init__(self, app: ASGIApp, **config: Any) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_config=None, timeout_keep_alive=600, **config))
        self.is_there = threading.Event()
        self.port = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.port = self.servers[0].sockets[0].getsockname()[1]
        self.is_there.set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return len(self.server_state.connections)


@asynccontextmanager
async def serve(app: ASGIApp, **config: Any) -> AsyncGenerator[Server, None]:
    """Runs in this loop until the block ends, shutdown included."""
    server = Server(app, **config)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        await anyio.to_thread.run_sync(server.is_there.wait)
        try:
            yield server
        finally:
            server.should_exit = True


@contextmanager
def serve_in_thread(app: ASGIApp) -> Generator[Server, None, None]:
    """Runs in a loop of its own until the block ends."""
    server = Server(app)
    thread = threading.Thread(target=server.run)
    thread.start()
    server.is_there.wait()
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join()
