"""What the Python SDK adds to a request when it already knows the token.

Real servers on uvicorn, each a process of its own, with and without the SDK, and with the `mcp` package's own bearer
middleware around a verifier that does nothing. Reads one JSON object (`issuer`, `server_id`, `api_key`, `server_url`,
`token`) and writes a JSON list of rows (`framework`, `variant`, `microseconds`, `ratio`).
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

FRAMEWORKS = ("Starlette", "FastAPI")
VARIANTS = ("bare", "idle middleware", "protected", "tool scopes", "peer")

ROUNDS = 15
ROUND_SECONDS = 0.25
CALLERS = 8

BODY = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file"}}'
ANSWER = b'{"files":[]}'


def tool_call(token: str) -> bytes:
    """The bytes of a tool call as an MCP client of 2026-07-28 sends it."""
    headers = {
        "Host": "localhost",
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "read_file",
        "Content-Length": str(len(BODY)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /mcp HTTP/1.1\r\n{lines}\r\n".encode() + BODY


class Caller(asyncio.Protocol):
    """One keep-alive connection with one request in flight; a client library would cost more than the server."""

    def __init__(self, request: bytes, until_seconds: float) -> None:
        self.done = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until_seconds = until_seconds
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Sends the next request when an answer is whole, and as expected."""
        self._received += data
        if not self._received.endswith(ANSWER) or self._transport is None:
            return
        if not self._received.startswith(b"HTTP/1.1 200 "):
            self._fail(self._received.decode())
            return
        self._received = b""
        self.done += 1
        if time.perf_counter() < self._until_seconds:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self.ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails where the server has closed the connection."""
        if not self.ended.done():
            self._fail(self._received.decode() or str(exc))

    def _fail(self, what: str) -> None:
        self.ended.set_exception(RuntimeError(f"expected 200 with {ANSWER.decode()}, got: {what}"))


async def measure_once(port: int, request: bytes) -> float:
    """Gives the seconds that one request takes at a full server."""
    loop = asyncio.get_running_loop()
    started_seconds = time.perf_counter()
    callers: list[Caller] = []
    for _ in range(CALLERS):
        _, caller = await loop.create_connection(
            lambda: Caller(request, started_seconds + ROUND_SECONDS), "127.0.0.1", port
        )
        callers.append(caller)
    await asyncio.gather(*(caller.ended for caller in callers))
    return (time.perf_counter() - started_seconds) / sum(caller.done for caller in callers)


async def measure(ports: dict[str, int], request: bytes) -> dict[str, list[float]]:
    """Interleaved and turned rounds: every server once, then all again in another order."""
    seconds: dict[str, list[float]] = {variant: [] for variant in ports}
    for number in range(ROUNDS):
        turned = [*ports][number % len(ports) :] + [*ports][: number % len(ports)]
        for variant in turned:
            seconds[variant].append(await measure_once(ports[variant], request))
    return seconds


def start_server(framework: str, variant: str, options: dict[str, Any], stack: ExitStack) -> int:
    """Starts one and gives its port; it ends with this process."""
    program = Path(__file__).with_name("servers.py")
    order = json.dumps({"framework": framework, "variant": variant, "options": options})
    # The package as it lies here.
    env = {**os.environ, "PYTHONPATH": str(program.parents[1] / "src")}
    child = stack.enter_context(
        subprocess.Popen([sys.executable, program, order], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    )
    # Before the child is waited for, so that it ends at all.
    stack.callback(child.kill)
    assert child.stdout is not None
    return int(child.stdout.readline())


def measure_framework(framework: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Gives the rows of one framework."""
    options = {name: given[name] for name in ("issuer", "server_id", "api_key", "server_url")}
    with ExitStack() as stack:
        ports = {variant: start_server(framework, variant, options, stack) for variant in VARIANTS}
        seconds = asyncio.run(measure(ports, tool_call(given["token"])))
    rows: list[dict[str, Any]] = []
    for variant, measured in seconds.items():
        # Each beside the bare one of its own round.
        ratios = [one / bare for one, bare in zip(measured, seconds["bare"], strict=True)]
        microseconds = statistics.median(measured) * 1e6
        row = {"framework": framework, "variant": variant, "microseconds": microseconds}
        rows.append({**row, "ratio": statistics.median(ratios)})
    return rows


if __name__ == "__main__":
    order = json.load(sys.stdin)
    json.dump([row for framework in FRAMEWORKS for row in measure_framework(framework, order)], sys.stdout)
