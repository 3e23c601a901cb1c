"""Alternative.me, ``https://api.alternative.me``: the Fear and Greed Index, one value a day, everything text.

Source: https://alternative.me/crypto/fear-and-greed-index/#api, checked 2026-11. Newest first; only the newest row
tells the seconds until the next. The value follows what Bitcoin did in the week and the month before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.market import DAY_S
from simulator.noise import noise, noise_key
from simulator.providers.base import Handler, Provider
from simulator.providers.esplora import plain
from simulator.source_view import SourceView

_FIRST_DAY = 17_563
_CLASSES = ((25, "Extreme Fear"), (46, "Fear"), (54, "Neutral"), (75, "Greed"), (100, "Extreme Greed"))
_DATES = {"us": "%m-%d-%Y", "cn": "%Y-%m-%d", "kr": "%Y-%m-%d", "world": "%d-%m-%Y"}


class AlternativeMe(Provider):
    """The index without a key."""

    name = "alternative_me"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/fng": self._index}

    def rate_limited(self) -> Answer:
        """Gives the plain text of the web server in front."""
        return plain("Too Many Requests", 429)

    def _index(self, request: Request, view: SourceView) -> Answer:
        """Answers ``limit`` days, 0 for all since February 2018."""
        limit, date_format = request.query.get("limit", "1"), request.query.get("date_format", "")
        today = math.floor(view.claimed_at / DAY_S)
        if not limit.isdecimal() or date_format not in ("", *_DATES):
            return Answer({"name": "Fear and Greed Index", "data": [], "metadata": {"error": "Invalid parameter"}})
        count = min(int(limit) or today, today - _FIRST_DAY + 1)
        rows: list[dict[str, Any]] = [_row(view, today - ago, date_format) for ago in range(count)]
        if rows and not date_format:
            rows[0]["time_until_update"] = str(int((today + 1) * DAY_S - view.claimed_at))
        body = {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}
        return Answer(body, rows=[PricedRow(None, row, ("value",)) for row in rows])


def _row(view: SourceView, day: int, date_format: str) -> dict[str, Any]:
    value = index_value(view, day)
    start = datetime.fromtimestamp(day * DAY_S, timezone.utc)
    return {
        "value": str(value),
        "value_classification": next(name for bound, name in _CLASSES if value <= bound),
        "timestamp": start.strftime(_DATES[date_format]) if date_format else str(int(day * DAY_S)),
    }


def index_value(view: SourceView, day: int) -> int:
    """Gives the index of a day counted from 1970: from 5, nothing but fear, to 95."""
    at = day * DAY_S
    price = view.market.price("BTC", at)
    week, month = (price / view.market.price("BTC", at - days * DAY_S) - 1.0 for days in (7, 30))
    luck = 8.0 * noise(noise_key(view.market.seed, "mood"), day / 2.0)
    return round(min(max(50.0 + 220.0 * week + 80.0 * month + luck, 5.0), 95.0))
