"""URLs that come from configuration or from the issuer, never from a request (RFC 9728 §3.3)."""

import ipaddress
import re
from dataclasses import dataclass

_PRINTABLE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_ABSOLUTE = re.compile(r"(https?)://([^/?#]+)(/[^?#]*)?(.*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-z_.\-]+)(?::([0-9]{0,5}))?")
_NUMERIC_HOST = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65_535
# What the URL standard writes in percent form in a path; the other characters of that set cannot come this far.
_ENCODED_IN_PATH = {ord(character): f"%{ord(character):02X}" for character in "<>^`{}"}


@dataclass(frozen=True, slots=True)
class FixedUrl:
    """A URL in one canonical spelling: lower-case scheme and host, no default port, no lone `/`.

    Attributes:
        origin: Scheme, host and port.
        path: Empty where the URL is a bare origin.
    """

    origin: str
    path: str

    @property
    def href(self) -> str:
        """The whole."""
        return f"{self.origin}{self.path}"


def parse_issuer(value: str) -> FixedUrl:
    """Reads the issuer as one canonical text without trailing slash.

    Raises:
        ValueError: With a sentence that says what is wrong.
    """
    return parse_server_url(value.removesuffix("/"))


def parse_server_url(value: str) -> FixedUrl:
    """Reads the registered URL of a server as its tokens name it in `aud`.

    Raises:
        ValueError: With a sentence that says what is wrong.
    """
    absolute = _ABSOLUTE.fullmatch(value)
    if _PRINTABLE.fullmatch(value) is None or absolute is None:
        raise ValueError("is not an absolute URL of https")
    scheme, authority, path, rest = absolute.groups()
    scheme = scheme.lower()
    if "@" in authority:
        raise ValueError("must not hold a user name or password")
    if rest != "":
        raise ValueError("must not have a query or fragment")
    host, port = _parse_authority(authority.lower(), _DEFAULT_PORTS[scheme])
    if scheme == "http" and host not in _LOOPBACK:
        # Keys and tokens travel there (RFC 6749 §1.6).
        raise ValueError("must be https; http is for localhost, 127.0.0.1 and [::1] only")
    return FixedUrl(f"{scheme}://{host}{port}", _normalise_path(path or "/"))


def _parse_authority(authority: str, default_port: int) -> tuple[str, str]:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ValueError("has a host or port that is none")
    host, digits = match.groups()
    port = int(digits) if digits else default_port
    if port > _MAX_PORT:
        raise ValueError("has a port that is none")
    return _normalise_host(host), "" if port == default_port else f":{port}"


def _normalise_host(host: str) -> str:
    if host.startswith("["):
        return f"[{_parse_ipv6(host[1:-1]).compressed}]"
    if _NUMERIC_HOST.fullmatch(host) and not _is_ipv4(host):
        # 127.1 and 0x7f.1 are the loopback for some and a name for others.
        raise ValueError("has a numeric host that is not written as four numbers")
    return host


def _parse_ipv6(text: str) -> ipaddress.IPv6Address:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise ValueError("has a host that is no IPv6 address") from error
    if address.ipv4_mapped is not None:
        # It has two spellings, and which one is canonical depends on who is asked.
        raise ValueError("has an IPv4 address in the clothes of IPv6")
    return address


def _is_ipv4(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def _normalise_path(path: str) -> str:
    """Resolves dot segments as every URL parser does, so that what is compared is what is asked for."""
    kept: list[str] = []
    segments = path[1:].split("/")
    for position, segment in enumerate(segments):
        dots = re.sub("%2e", ".", segment, flags=re.IGNORECASE)
        if dots == "..":
            del kept[-1:]
        if dots not in (".", ".."):
            kept.append(segment.translate(_ENCODED_IN_PATH))
        elif position == len(segments) - 1:
            kept.append("")
    normalised = "/" + "/".join(kept)
    return "" if normalised == "/" else normalised
