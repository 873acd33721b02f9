"""The outer shape of our access tokens."""

import base64
import re

from auth_agent_mcp.json import is_record, parse_json

_MAX_CHARACTERS = 8192
_ES256_SIGNATURE_CHARACTERS = 86
_PARTS = 3
_BASE64_URL = re.compile(r"[0-9A-Za-z_\-]*")


def read_token_header(token: str) -> dict[str, object] | None:
    """The header of a text that can be one of our access tokens; None of any other.

    That is a JWT signed with ES256 of type `at+jwt` (RFC 9068 §2.1).
    Nothing is trusted because of it; it keeps garbage from costing a call.
    """
    if len(token) > _MAX_CHARACTERS:
        return None
    parts = token.split(".", _PARTS)
    if len(parts) != _PARTS or not all(_BASE64_URL.fullmatch(part) for part in parts):
        return None
    header, payload, signature = parts
    if payload == "" or len(signature) != _ES256_SIGNATURE_CHARACTERS:
        return None
    members = parse_json(_decode_base64_url(header))
    if not is_record(members) or (members.get("alg"), members.get("typ")) != ("ES256", "at+jwt"):
        return None
    return members


def _decode_base64_url(text: str) -> str:
    # There is no base64 text of such a length, and no padding that would mend it.
    if len(text) % 4 == 1:
        return ""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("latin-1")
