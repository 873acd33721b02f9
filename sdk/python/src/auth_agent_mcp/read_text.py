"""Reads bodies that are not trusted to be short."""

import httpx


async def read_text_up_to(response: httpx.Response, max_bytes: int) -> str | None:
    """Gives the whole of an answer as UTF-8 text, or None where it is longer than `max_bytes`."""
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in response.aiter_bytes():
        size_bytes += len(chunk)
        if size_bytes > max_bytes:
            return None
        chunks.append(chunk)
    return b"".join(chunks).decode("utf-8-sig", "replace")
