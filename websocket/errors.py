"""Every error that this service raises on purpose, and the codes that clients see.

    ServiceError
    ├── SettingsError            a setting is wrong: its name and what was expected
    ├── StartError               this machine does not let us start: what to do about it
    │   └── InUse                because another process has what we need
    ├── ArchiveError             the archive cannot do what it was asked for: why, in one line
    │   ├── ArchiveUnavailable   it cannot be read now: off, not open, too many reads, or one that takes too long
    │   └── TooManyReads         one reader has more reads under way than it may
    ├── UpstreamError            a request to a provider ended without an answer we can use
    │   ├── UpstreamTimeout      it took too long: connecting, reading, or as a whole
    │   ├── UpstreamUnreachable  no connection, or one that broke before the answer was whole
    │   ├── UpstreamStatus       an HTTP status that says no
    │   │   ├── RateLimited      429 or its kind, with the wait that was asked for
    │   │   ├── AccessRefused    401, 402, 403, 418, 451: asking again soon will not help
    │   │   └── UnknownSymbol    this provider does not (or no longer) know a coin that was asked for
    │   ├── BadPayload           an answer that is not what the provider documents
    │   ├── BudgetSpent          our own budget for this provider is used up for now
    │   └── CircuitOpen          not asked: it failed too often a moment ago, or is parked
    ├── NoProviderAnswered       a pool has nobody left to ask; tells what each one said
    ├── NotCollecting            another process collects; this one has nothing to publish
    └── ClientError              what a client sent cannot be done; goes back with a wire code
        ├── BadRequest           wrong type, missing or unknown field, not JSON
        ├── UnsupportedData      a binary message
        ├── UnknownAction
        ├── UnknownChannel
        ├── InvalidService       there is none of that name, or not on this endpoint
        ├── TooManySubscriptions
        ├── TooManyRequests
        └── ShuttingDown         goes out unasked: this process ends, come back to another or a little later

Exceptions of other libraries are translated once, where they come in, and kept as the cause.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence


class ServiceError(Exception):
    """Root of the tree; nothing raises it directly."""


class SettingsError(ServiceError):
    """A setting that cannot be used.

    Attributes:
        name: the environment name, for example ``STALE_AFTER``.
        reason: what was expected, in words that never repeat a secret's value.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class StartError(ServiceError):
    """The machine does not let the service start; the text is one line that says what to do."""


class InUse(StartError):
    """Another process has what we need, such as a port; once it has ended, nothing hinders the start."""


class ArchiveError(ServiceError):
    """The archive cannot do what it was asked for; the text is one line that says why."""


class ArchiveUnavailable(ArchiveError):
    """The archive cannot be read at this moment: it is off, not open, busy, or the read took too long."""


class TooManyReads(ArchiveError):
    """This reader has more reads of the archive under way or waiting than it may; others are still served."""


class UpstreamError(ServiceError):
    """A request to a provider did not bring a usable answer.

    Attributes:
        provider: registry name of the provider.
        operation: what was asked, for example ``simple_price``.
    """

    kind = "error"

    def __init__(self, provider: str, operation: str, reason: str) -> None:
        super().__init__(f"{provider} {operation}: {reason}")
        self.provider = provider
        self.operation = operation
        self.reason = reason


class UpstreamTimeout(UpstreamError):
    """No whole answer within the time-outs or the deadline."""

    kind = "timeout"


class UpstreamUnreachable(UpstreamError):
    """The connection could not be made, or broke before the answer was whole."""

    kind = "unreachable"


class UpstreamStatus(UpstreamError):
    """An HTTP status of 400 or above (or an error that a provider wraps into a 200).

    Attributes:
        status: the HTTP status.
    """

    kind = "status"

    def __init__(self, provider: str, operation: str, reason: str, status: int) -> None:
        super().__init__(provider, operation, reason)
        self.status = status


class RateLimited(UpstreamStatus):
    """The provider asks us to slow down.

    Attributes:
        retry_after_s: seconds to wait as the provider said, or None when it said nothing.
    """

    kind = "rate_limited"

    def __init__(
        self, provider: str, operation: str, reason: str, status: int = 429, retry_after_s: float | None = None
    ) -> None:
        super().__init__(provider, operation, reason, status)
        self.retry_after_s = retry_after_s


class AccessRefused(UpstreamStatus):
    """The provider will not serve us: key, plan, place or ban. It is parked for a long while."""

    kind = "refused"


class UnknownSymbol(UpstreamStatus):
    """The provider does not know something that was asked for; the provider itself is well.

    Attributes:
        symbols: our symbols in the refused request. With more than one it is not known which is the culprit.
    """

    kind = "unknown_symbol"

    def __init__(self, provider: str, operation: str, reason: str, symbols: Iterable[str], status: int = 404) -> None:
        super().__init__(provider, operation, reason, status)
        self.symbols = tuple(symbols)


class BadPayload(UpstreamError):
    """The answer is not what the provider documents: size, encoding, shape, or values that nobody can believe."""

    kind = "bad_payload"


class BudgetSpent(UpstreamError):
    """Asking now would break our own budget for this provider.

    Attributes:
        retry_after_s: seconds until there is room again.
    """

    kind = "budget_spent"

    def __init__(self, provider: str, operation: str, reason: str, retry_after_s: float) -> None:
        super().__init__(provider, operation, reason)
        self.retry_after_s = retry_after_s


class CircuitOpen(UpstreamError):
    """Not asked, because it failed a moment ago or is parked.

    Attributes:
        retry_after_s: seconds until the next trial.
    """

    kind = "circuit_open"

    def __init__(self, provider: str, operation: str, reason: str, retry_after_s: float) -> None:
        super().__init__(provider, operation, reason)
        self.retry_after_s = retry_after_s


class NoProviderAnswered(ServiceError):
    """Every candidate of a pool was tried, or could not be asked.

    Attributes:
        pool: the pool's name.
        attempts: what each candidate said, in the order in which they were tried.
    """

    def __init__(self, pool: str, attempts: Sequence[UpstreamError]) -> None:
        said = "; ".join(str(attempt) for attempt in attempts) or "the pool is empty"
        super().__init__(f"{pool}: no provider answered ({said})")
        self.pool = pool
        self.attempts = tuple(attempts)


class NotCollecting(ServiceError):
    """Something was to be published by a process that does not collect, or no longer does."""


class ClientError(ServiceError):
    """What a client asked for cannot be done.

    Attributes:
        code: wire code; clients act on it, the text is for people.
        temporary: True when the same request may succeed later.
    """

    code = "bad_request"
    temporary = False

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def to_wire(self) -> dict[str, object]:
        """The one shape in which every transport reports an error: ``{code, message, temporary, ...details}``."""
        return {"code": self.code, "message": self.message, "temporary": self.temporary, **self.details}


class BadRequest(ClientError):
    """Wrong type, missing or unknown field."""


class UnknownChannel(ClientError):
    """There is no channel of that name."""

    code = "unknown_channel"


class UnsupportedData(ClientError):
    """A kind of message that means nothing here."""

    code = "unsupported_data"


class UnknownAction(ClientError):
    """The action is missing, or there is none of that name."""

    code = "unknown_action"


class InvalidService(ClientError):
    """There is no service of that name, or it is not offered on this endpoint."""

    code = "invalid_service"


class TooManySubscriptions(ClientError):
    """The connection has as many subscriptions as it may."""

    code = "too_many_subscriptions"


class TooManyRequests(ClientError):
    """The client sends faster than it may."""

    code = "rate_limited"
    temporary = True


class ShuttingDown(ClientError):
    """This process ends; the client should come back after the wait that it is told."""

    code = "shutting_down"
    temporary = True

    RECONNECT_WITHIN_MS = (100, 5000)
    """The waits are spread over this time, so that not all clients come back at once."""

    def __init__(self) -> None:
        super().__init__(
            "This process is shutting down; please reconnect.",
            reconnect_in_ms=random.randint(*self.RECONNECT_WITHIN_MS),
        )
