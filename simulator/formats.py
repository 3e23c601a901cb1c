"""How providers write numbers and times."""

from __future__ import annotations

import math
from datetime import datetime, timezone


def fixed(value: float, places: int, shown: int | None = None) -> str:
    """Gives a decimal string rounded to ``places`` and, when asked, padded with zeros to ``shown`` places.

    Exchanges do both: ``65670.3`` is one step of 0.1, written ``65670.30000``.
    """
    text = f"{value:.{places}f}"
    if shown is None or shown <= places:
        return text
    return (text if places else f"{text}.") + "0" * (shown - places)


def significant(value: float, digits: int) -> float:
    """Gives the number rounded to so many significant digits."""
    if value == 0.0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def whole(value: float) -> int | float:
    """Gives an integer when the number is whole, as JSON writers of dynamic languages do."""
    return int(value) if value == int(value) else value


def iso_s(time_s: float) -> str:
    """Gives Unix seconds as ``2026-11-21T19:00:00Z``."""
    return datetime.fromtimestamp(math.floor(time_s), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain_s(time_s: float) -> str:
    """Gives Unix seconds as ``2026-11-21 19:00:00``, UTC without saying so."""
    return datetime.fromtimestamp(math.floor(time_s), timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def iso_ns(time_s: float) -> str:
    """Gives Unix seconds as ``2026-11-21T19:00:00.123456000Z``."""
    return iso_us(time_s).replace("Z", "000Z")


def iso_ms(time_s: float) -> str:
    """Gives Unix seconds as ``2026-11-21T19:00:00.123Z``."""
    return _with_fraction(time_s, "milliseconds")


def iso_us(time_s: float) -> str:
    """Gives Unix seconds as ``2026-11-21T19:00:00.123456Z``."""
    return _with_fraction(time_s, "microseconds")


def _with_fraction(time_s: float, timespec: str) -> str:
    text = datetime.fromtimestamp(time_s, timezone.utc).isoformat(timespec=timespec)
    return text.replace("+00:00", "Z")
