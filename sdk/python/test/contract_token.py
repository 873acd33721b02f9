"""The signed tokens of `sdk/contract/*.json`, made by hand: a library would refuse to forge."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def sign_token(parts: dict[str, Any], defaults: dict[str, Any]) -> str:
    """A token of a case: members laid over the default ones, None takes one away."""
    standard, keys = defaults["token"], defaults["keys"]
    signed = _write({**parts, **parts.get("signed_as", {})}, standard)
    signature = _make_signature(signed.encode(), parts.get("signed_with", "k1"), keys)
    return f"{_write(parts, standard)}.{_encode(signature)}"


def _write(parts: dict[str, Any], standard: dict[str, Any]) -> str:
    header = json.dumps(_lay(standard["header"], parts.get("header", {})))
    payload = parts.get("payload") or json.dumps(_lay(standard["claims"], parts.get("claims", {})))
    return f"{_encode(header.encode())}.{_encode(payload.encode())}"


def _lay(standard: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**standard, **over}.items() if value is not None}


def _make_signature(text: bytes, signed_with: str, keys: dict[str, Any]) -> bytes:
    match signed_with:
        case "nothing":
            return b""
        case "zeros":
            return bytes(64)
        case "public_key_as_secret":
            pem = _private_key(keys["k1"]).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            return hmac.digest(pem, text, hashlib.sha256)
        case _:
            r, s = decode_dss_signature(_private_key(keys[signed_with]).sign(text, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _private_key(jwk: dict[str, str]) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(base64.urlsafe_b64decode(jwk["d"] + "="), "big"), ec.SECP256R1())


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
