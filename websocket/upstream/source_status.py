"""What a source says about itself."""

from __future__ import annotations

import msgspec

from websocket.upstream.circuit import CircuitState


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a source has been doing, since the start of the process. Times are Unix seconds.

    Attributes:
        name: registry name of the provider.
        title: the same for people.
        configured: False while a key or the like is missing.
        state: of its circuit: closed, open, half_open, parked.
        retry_at: when it may be asked again; None when it may be asked now.
        last_check: when a request was last sent, or None.
        last_success: when an ask that succeeded began, or None.
        last_error: what went wrong last, in words, or None. It stays after a success.
        last_error_at: when that was, or None.
        response_time_ms: of the last request, whether it succeeded or not; None before the first.
        succeeded: asks that brought everything that was asked for, unknown symbols aside.
        failed: asks with an error that counts against the provider, also where some of the answers could be used.
        errors: how many asks ended with each kind of error (``UpstreamError.kind``), also when nothing was sent.
        asks_last_hour: how many asks ended in the last hour; of a very busy provider the last 1000.
        success_rate: share of these that did not fail, 0 to 1; None when there were none.
        p95_ms: 95 of 100 answers of the last hour took no longer; None without an answer.
        disabled_symbols: symbols that are left out at present.
    """

    name: str
    title: str
    configured: bool
    state: CircuitState
    retry_at: float | None
    last_check: float | None
    last_success: float | None
    last_error: str | None
    last_error_at: float | None
    response_time_ms: float | None
    succeeded: int
    failed: int
    errors: dict[str, int]
    asks_last_hour: int
    success_rate: float | None
    p95_ms: float | None
    disabled_symbols: tuple[str, ...]
