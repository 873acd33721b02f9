"""Whether a token is good here and now."""

from dataclasses import dataclass

from auth_agent_mcp.access_token import read_token_header
from auth_agent_mcp.assert_never import assert_never
from auth_agent_mcp.config import Config
from auth_agent_mcp.introspection import AnsweredActive, AnsweredInactive, Introspect, Unavailable
from auth_agent_mcp.lru import Lru
from auth_agent_mcp.scopes import held_scopes
from auth_agent_mcp.sha256 import sha256
from auth_agent_mcp.single_flight import Clock, SingleFlight, flight_seconds
from auth_agent_mcp.user import User

_MAX_LIVE_TOKENS = 10_000
_MAX_DEAD_TOKENS = 1_000
_DEAD_TTL_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Active:
    """The token is alive, and meant for this server.

    Attributes:
        held: The scopes of the token with all they imply, worked out once for all requests.
    """

    user: User
    held: frozenset[str]


@dataclass(frozen=True, slots=True)
class Inactive:
    """The token is not good here; `misaddressed`: alive, but its audience is not this server."""

    misaddressed: bool = False


Verification = Active | Inactive | Unavailable


@dataclass(frozen=True, slots=True)
class _LiveToken:
    active: Active
    fresh_until_seconds: float
    stale_until_seconds: float


class VerifyToken:
    """Judges tokens: asks, one call at a time for each token, and remembers what it was told."""

    __slots__ = ("_ask", "_clock", "_config", "_flights", "_memory")

    def __init__(self, config: Config, ask: Introspect, clock: Clock) -> None:
        self._config = config
        self._ask = ask
        self._clock = clock
        self._memory = _Memory(config, clock)
        self._flights = SingleFlight[Verification](flight_seconds(config.timeout_ms), clock, Unavailable("unreachable"))

    def recall(self, digest: bytes) -> Verification | None:
        """What is remembered of a token by its SHA-256; None where it has to be judged."""
        return self._memory.recall(digest)

    async def __call__(self, token: str, audience: str) -> Verification:
        """Judges a token for an audience."""
        digest = sha256(token.encode())
        known = self._memory.recall(digest)
        if known is not None:
            return known
        if read_token_header(token) is None:
            return Inactive()
        verification = await self._flights.run(digest, lambda: self._judge(token, digest, audience))
        if not isinstance(verification, Unavailable):
            return verification
        return self._memory.recall_stale(digest, verification) or verification

    async def _judge(self, token: str, digest: bytes, audience: str) -> Verification:
        answer = await self._ask(token)
        match answer:
            case AnsweredActive():
                # Judged before it is remembered: another request may look in the next moment.
                if not _is_audience(answer.audience, audience):
                    return Inactive(misaddressed=True)
                active = Active(answer.user, held_scopes(answer.user.scopes, self._config.scope_implications))
                self._memory.keep_live(digest, active)
                return _while_not_expired(active, self._clock())
            case AnsweredInactive():
                self._memory.forget(digest)
                if answer.definite:
                    self._memory.keep_dead(digest)
                return Inactive()
            case Unavailable():
                return answer
            case _:
                return assert_never(answer)


class _Memory:
    """What the issuer said.

    Live tokens for `cache_ttl_seconds` and never past `exp`; a definite "inactive" for ten seconds at most, in a memory
    of its own, so that random tokens cannot push out good ones. Nothing else is remembered, least of all an outage.
    """

    __slots__ = ("_clock", "_config", "_dead_until_seconds", "_live")

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._live = Lru[_LiveToken](_MAX_LIVE_TOKENS)
        self._dead_until_seconds = Lru[float](_MAX_DEAD_TOKENS)

    def recall(self, digest: bytes) -> Verification | None:
        now_seconds = self._clock()
        known = self._live.get(digest)
        if known is not None and now_seconds < known.fresh_until_seconds:
            return _while_not_expired(known.active, now_seconds)
        return Inactive() if now_seconds < (self._dead_until_seconds.get(digest) or 0) else None

    def recall_stale(self, digest: bytes, failure: Unavailable) -> Verification | None:
        known = self._live.get(digest)
        # A refused key is a decision of the issuer, not an outage: nothing stale is good enough then.
        if known is None or failure.reason == "key_refused" or self._clock() >= known.stale_until_seconds:
            return None
        return _while_not_expired(known.active, self._clock())

    def keep_live(self, digest: bytes, active: Active) -> None:
        fresh_until_seconds = self._clock() + self._config.cache_ttl_seconds
        stale_until_seconds = fresh_until_seconds + self._config.stale_if_error_seconds
        if stale_until_seconds > self._clock():
            self._live.set(digest, _LiveToken(active, fresh_until_seconds, stale_until_seconds))

    def keep_dead(self, digest: bytes) -> None:
        ttl_seconds = min(_DEAD_TTL_SECONDS, self._config.cache_ttl_seconds)
        if ttl_seconds > 0:
            self._dead_until_seconds.set(digest, self._clock() + ttl_seconds)

    def forget(self, digest: bytes) -> None:
        self._live.delete(digest)


def _while_not_expired(active: Active, now_seconds: float) -> Verification:
    return active if now_seconds < active.user.expires_at else Inactive()


def _is_audience(claim: object, audience: str) -> bool:
    """The whole text is compared (RFC 8707 §2): a prefix would let one path speak for another."""
    return claim in (audience, [audience])
