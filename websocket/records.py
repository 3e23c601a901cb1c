"""The typed, frozen records that travel through the service. Prices are US dollars, times are UTC.

Times of day are Unix seconds as floats; on the wire they become RFC 3339 with milliseconds and ``Z``.
Numbers are judged (finite, sensible) before they become a record: the JSON encoder would write NaN as ``null``.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Annotated, overload

import msgspec
from msgspec import Meta

LATEST_TIME = 253_402_300_799.0
"""The last second of the year 9999, the latest that RFC 3339 can say. Unix seconds."""

Moment = Annotated[float, Meta(ge=0, le=LATEST_TIME)]
"""Unix seconds that ``to_rfc3339`` can say, where a record is read from a file or from Redis."""

_UNIX_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


SIGNIFICANT_DIGITS = 12
"""More than any source means, and few enough to be free of the noise of binary arithmetic (``65262.844727100004``)."""


@overload
def figure(value: float, decimals: int | None = None) -> float: ...


@overload
def figure(value: None, decimals: int | None = None) -> None: ...


@overload
def figure(value: float | None, decimals: int | None = None) -> float | None: ...


def figure(value: float | None, decimals: int | None = None) -> float | None:
    """A computed number as clients get it; None stays None.

    Args:
        value: finite.
        decimals: at most so many; None for as many as there are among the significant digits.
    """
    if value is None:
        return None
    value = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return value if decimals is None else round(value, decimals)


def to_rfc3339(unix_s: float) -> str:
    """A moment as clients see it, for example ``2026-11-21T10:00:00.250Z``."""
    moment = datetime.fromtimestamp(unix_s, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> float:
    """A moment as people and clients write it, as Unix seconds: RFC 3339 with a zone, or Unix seconds.

    Raises:
        ValueError: it is neither, or before 1970 or after the year 9999.
    """
    if _UNIX_SECONDS.fullmatch(text):
        seconds = float(text)
    elif _RFC3339.fullmatch(text):
        moment = msgspec.convert(text.upper(), datetime)
        seconds = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()
    else:
        raise ValueError(f"no time: {text!r}")
    if not 0 <= seconds <= LATEST_TIME:
        raise ValueError(f"out of range: {text!r}")
    return seconds


class Ticker(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider says about one coin at one moment; not judged yet.

    Attributes:
        symbol: our symbol, for example ``BTC``. POL is reported as ``MATIC``, the name that front ends know.
        source: registry name of the provider.
        price: last price in ``quote``; None when the answer had none that is a number.
        quote: ``USD`` or ``USDT``. A price in USDT must be multiplied by the dollar price of USDT.
        source_time: when the provider says that the price stood, Unix seconds. None when it does not say;
            then ``received_at`` counts.
        received_at: when the answer was whole, Unix seconds.
        change_24h: absolute change over 24 h in ``quote``, or None.
        change_percent_24h: the same in percent of the price 24 h ago, or None.
        volume_24h: turnover of the coin on all markets in 24 h, US dollars, or None. Exchanges know only their own
            market, so they leave it None.
        market_cap: US dollars, or None.
    """

    symbol: str
    source: str
    price: float | None
    quote: str = "USD"
    source_time: float | None = None
    received_at: float
    change_24h: float | None = None
    change_percent_24h: float | None = None
    volume_24h: float | None = None
    market_cap: float | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """One coin as the ``crypto-prices`` channel sends it: eight keys, always numbers, never null.

    Attributes:
        symbol: for example ``BTC``.
        name: for example ``Bitcoin``.
        price: US dollars.
        change24h: change over 24 h, US dollars.
        change_percent24h: the same in percent of the price 24 h ago.
        volume24h: turnover of 24 h, US dollars.
        market_cap: US dollars.
        last_updated: the source's own time of the price, RFC 3339 UTC, milliseconds, ``Z``.
    """

    symbol: str
    name: str
    price: float
    change24h: float
    change_percent24h: float = msgspec.field(name="changePercent24h")
    volume24h: float
    market_cap: float = msgspec.field(name="marketCap")
    last_updated: str = msgspec.field(name="lastUpdated")
