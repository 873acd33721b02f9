"""What knows about tokens and this server, whatever asks."""

import time
from importlib.util import find_spec

from auth_agent_mcp.ask_issuer import AskIssuer
from auth_agent_mcp.breaker import with_breaker
from auth_agent_mcp.config import Config
from auth_agent_mcp.introspection import Introspect, create_introspect
from auth_agent_mcp.options import AuthAgentConfigError
from auth_agent_mcp.report import create_report
from auth_agent_mcp.resource import ReadResource
from auth_agent_mcp.verify_token import VerifyToken


class Core:
    """A core with memories of its own.

    Attributes:
        report: Tells the owner of trouble.
        read_resource: Gives what this server is to OAuth.
        verify_token: Judges a token for an audience.
    """

    __slots__ = ("_ask", "config", "read_resource", "report", "verify_token")

    def __init__(self, config: Config) -> None:
        """Makes one.

        Raises:
            AuthAgentConfigError: Where an option needs a package that is not installed.
        """
        self.config = config
        self.report = create_report(config, _now_seconds)
        self._ask = AskIssuer(config)
        self.read_resource = ReadResource(config, self._ask, _now_seconds, lambda: self.report("server_url_unknown"))
        self.verify_token = VerifyToken(config, _create_validation(config, self._ask), _now_seconds)

    async def close(self) -> None:
        """Closes the connections to the issuer; a later call makes new ones."""
        await self._ask.close()


def _create_validation(config: Config, ask: AskIssuer) -> Introspect:
    """How it is found out whether a token is good: by asking the issuer, by the issuer's keys, or by both in turn."""
    introspect = with_breaker(create_introspect(config, ask), _now_seconds)
    if config.validation == "introspect" and not config.signature_first:
        return introspect
    if find_spec("joserfc") is None:
        option = "signature_first" if config.validation == "introspect" else "validation"
        raise AuthAgentConfigError(f"{option} needs a package that is missing: pip install 'auth-agent-mcp[jwt]'")
    # Only here: the package is an extra.
    from auth_agent_mcp.check_token import check_first, create_check_token  # noqa: PLC0415
    from auth_agent_mcp.jwks import create_find_key  # noqa: PLC0415

    check_token = create_check_token(config, create_find_key(config, ask, _now_seconds), _now_seconds)
    return check_token if config.validation == "jwt" else check_first(check_token, introspect)


def _now_seconds() -> float:
    return time.time()
