"""What a provider is: a declaration, requests to make, and answers to read. No I/O happens in this package.

A provider turns our question into ``Request`` values and the ``Answer`` values that come back into records. Sending,
time-outs, budgets, circuits and failover belong to ``websocket.upstream``. So a recorded answer is a complete test.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Literal

import msgspec

from websocket.errors import BadPayload, UpstreamError
from websocket.records import Ticker
from websocket.settings import ProviderSettings

HEX_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,64}")
HASH = re.compile(r"(0x)?[0-9a-fA-F]{64}")

LARGEST_COUNT = 2**53
"""Up to here every whole number survives being a float, as in JavaScript."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request to a provider.

    Attributes:
        operation: short name for logs, errors and statistics, for example ``simple_price``. Constant per endpoint.
        path: joined to the provider's base address; begins with a slash, or is empty where that address is all.
        params: query parameters, in order.
        body: JSON body of a POST; None makes it a GET.
        headers: beside those of the provider, for example ``If-None-Match``.
        accepts: what the answer must be: JSON, text (UTF-8), or bytes for formats that name their own encoding.
        symbols: our symbols that the answer is about. A refusal of exactly one of them disables that symbol only.
        cost: how much of the per-minute budget it takes (request weight).
    """

    operation: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    accepts: Literal["json", "text", "bytes"] = "json"
    symbols: tuple[str, ...] = ()
    cost: int = 1


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, decoded but not interpreted.

    Attributes:
        request: what was asked.
        payload: as the request accepts it: JSON as plain Python values, text, or bytes. None when ``not_modified``.
        received_at: when it was whole, Unix seconds.
        headers: names in lower case; only what ``KEPT_HEADERS`` lists.
        not_modified: True for a 304, which only a conditional request gets.
    """

    request: Request
    payload: Any
    received_at: float
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    not_modified: bool = False


class HealthCheck(msgspec.Struct, frozen=True):
    """A question that costs little and shows whether a provider is well.

    Attributes:
        request: what to ask.
        read: judges the answer; raises ``BadPayload`` where it is not what the provider documents.
    """

    request: Request
    read: Callable[[Sequence[Answer]], object]


KEPT_HEADERS = ("etag", "last-modified", "link")


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How often a provider may be asked.

    Attributes:
        per_minute: total cost of requests in any 60 s.
        per_month: total number of requests in a calendar month; None where the provider sets no such limit.
        min_interval_s: time between two refreshes of the same data; asking sooner brings nothing new.
    """

    per_minute: int
    per_month: int | None = None
    min_interval_s: float


class Provider(ABC):
    """Base of all providers; the registry finds every subclass in this package that has a ``name``."""

    name: str = ""
    """Registry name, also the prefix of its settings.

    A class attribute, except where one class serves several hosts: then each instance gets a name of its own.
    """

    title: str = ""
    """The name as its company writes it, for people."""

    docs: ClassVar[str] = ""
    """Address of the API's documentation."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings

    @property
    @abstractmethod
    def budget(self) -> Budget:
        """The published limits (they may depend on the key); settings may lower or raise them."""

    @property
    def base_url(self) -> str:
        """Scheme, host and common path of every request, without a trailing slash."""
        return self.settings.url.rstrip("/")

    @property
    def configured(self) -> bool:
        """False while something that it cannot work without, such as a key, is not set."""
        return True

    def headers(self) -> Mapping[str, str]:
        """Headers for every request, such as a key. Never logged."""
        return {}

    def health_check(self) -> HealthCheck | None:
        """The cheapest question that shows whether it is well, for times when nobody asks it anything.

        None where there is no such question: then it is judged by its real traffic alone.
        """
        return None

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """The error that an answer carries in its body, where the HTTP status alone does not tell.

        Args:
            request: what was asked.
            status: HTTP status; 200 too, since some providers wrap errors in it.
            payload: decoded JSON, or None when the body was not JSON.

        Returns:
            An error to raise, or None: then the HTTP status alone decides.
        """
        return None

    def bad_payload(self, answer: Answer, expected: str) -> BadPayload:
        """An error that says what was expected instead of this answer; the answer itself is not repeated."""
        return BadPayload(self.name, answer.request.operation, f"expected {expected}")


class TickerProvider(Provider):
    """A provider that knows prices."""

    market_ids: ClassVar[Mapping[str, str]]
    """Our symbol to the provider's identifier. Symbols that it does not list are left out."""

    aggregates: ClassVar[bool] = False
    """True when its volume and market cap speak for all markets, not for its own exchange."""

    @abstractmethod
    def ticker_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """The requests that bring the latest ticker of each symbol; symbols that it does not list are passed over.

        An empty sequence when it lists none of them.
        """

    @abstractmethod
    def parse_tickers(self, answers: Sequence[Answer]) -> list[Ticker]:
        """Tickers from the answers to ``ticker_requests``, some of which may be missing.

        Symbols that an answer leaves out are left out here too, not an error. A field that is null, empty or not a
        finite number becomes None.

        Raises:
            BadPayload: an answer does not have the documented shape.
        """

    def health_check(self) -> HealthCheck | None:
        """The price of its first coin."""
        request = self.ticker_requests((next(iter(self.market_ids)),))[0]

        def read(answers: Sequence[Answer]) -> None:
            if all(ticker.price is None for ticker in self.parse_tickers(answers)):
                raise self.bad_payload(answers[-1], "a price")

        return HealthCheck(request, read)

    def listed(self, symbols: Collection[str]) -> dict[str, str]:
        """The asked symbols that this provider lists, with its identifiers, in our order."""
        return {symbol: self.market_ids[symbol] for symbol in self.market_ids if symbol in symbols}


def parse_number(value: Any) -> float | None:
    """A finite number from any of the dialects (JSON number, decimal string), or None.

    None, empty strings, booleans, NaN, infinities and anything that is not a number give None: unknown, not zero.
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = Decimal(value.strip())
        except InvalidOperation:
            return None
    elif not isinstance(value, (int, float, Decimal)):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def parse_positive(value: Any) -> float | None:
    """As ``parse_number``, for what cannot be zero or less, such as a difficulty: then it is not known."""
    number = parse_number(value)
    return number if number is not None and number > 0 else None


def parse_amount(value: Any) -> float | None:
    """As ``parse_number``, for what can be zero but not less, such as an amount."""
    number = parse_number(value)
    return number if number is not None and number >= 0 else None


def parse_count(value: Any) -> int | None:
    """A whole number from 0 to 2^53 (more of anything is not believed), or None.

    Numbers with a fraction, and everything that ``parse_number`` refuses, give None.
    """
    number = parse_number(value)
    if number is None or not 0 <= number <= LARGEST_COUNT or number != int(number):
        return None
    return int(number)


def parse_hex(value: Any) -> int | None:
    """A number from ``0x`` and hexadecimal digits, at most 64 of them as in a word of the EVM; or None."""
    if not isinstance(value, str) or not HEX_NUMBER.fullmatch(value):
        return None
    return int(value, 16)


def parse_hash(value: Any) -> str | None:
    """A hash of 32 bytes as hexadecimal digits in lower case, with ``0x`` in front where the value has it; or None."""
    return value.lower() if isinstance(value, str) and HASH.fullmatch(value) else None


def parse_name(value: Any, max_length: int = 100) -> str | None:
    """A name, address or other short text as it is; None when it is no text, empty, too long, or not printable."""
    return value if isinstance(value, str) and 0 < len(value) <= max_length and value.isprintable() else None


def parse_iso_time(value: Any) -> float | None:
    """Unix seconds from ISO 8601 with a zone (``Z`` or an offset, up to nine decimals), or None."""
    if not isinstance(value, str):
        return None
    text = value.strip().replace("Z", "+00:00")
    head, dot, rest = text.partition(".")
    if dot:
        # datetime reads at most six decimals; some providers send nine
        digits = len(rest) - len(rest.lstrip("0123456789"))
        text = f"{head}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        return moment.astimezone(timezone.utc).timestamp()
    except (ValueError, OverflowError):  # the latter: an offset that leads out of the calendar
        return None


def parse_unix_time(value: Any, ticks_per_second: int = 1) -> float | None:
    """Unix seconds from a count of seconds (or of 1/``ticks_per_second``), or None.

    A moment that no calendar holds (before year 1, after year 9999) gives None too: nothing could print it.
    """
    number = parse_number(value)
    if number is None:
        return None
    seconds = number / ticks_per_second
    try:
        datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return seconds


def change_since(price: float | None, open_price: float | None) -> tuple[float | None, float | None]:
    """How a price moved since ``open_price``: absolute, and in percent of it.

    Both are None where a price is missing, or where the open price is not above zero.
    """
    if price is None or open_price is None or open_price <= 0:
        return None, None
    change = price - open_price
    return parse_number(change), parse_number(change / open_price * 100)


def rows_by_symbol(rows: Iterable[Any], id_key: str, market_ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The rows about our coins, by our symbol.

    Args:
        rows: values that should be JSON objects, one a coin.
        id_key: the key under which a row names its coin.
        market_ids: our symbol to the name that the rows use.

    Returns:
        Nothing for rows that are not objects or name another coin; of two rows about one coin, the first.
    """
    symbols = {identifier: symbol for symbol, identifier in market_ids.items()}
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        identifier = row.get(id_key) if isinstance(row, dict) else None
        if isinstance(identifier, str) and identifier in symbols:
            found.setdefault(symbols[identifier], row)
    return found
