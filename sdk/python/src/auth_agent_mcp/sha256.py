"""SHA-256 of texts."""

import base64
import hashlib


def sha256(token: bytes) -> bytes:
    """Gives the digest under which a token is remembered, so that the token itself is not kept."""
    return hashlib.sha256(token).digest()


def sha256_base64_url(text: str) -> str:
    """Gives the digest of a text in base64url, without padding."""
    return base64.urlsafe_b64encode(sha256(text.encode())).decode().rstrip("=")
