"""CoinLore: an aggregator without keys, with prices, volumes and market caps.

Documentation: https://www.coinlore.com/cryptocurrency-data-api, checked 2026-11-21.

Rate limit as published: none beyond the wish for about one request a second; data are renewed about every minute.

Quirks:
    - Numbers are strings in ``/api/ticker/``, in ``/api/tickers/`` some of them are numbers; an empty string is a null.
    - Rows carry no time; see ``DATA_LAG_S``.
    - Coins have numeric ids. That of Polygon's token (symbol POL) is not known beforehand: it is looked up in the list
      of coins by rank until it has been found once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from websocket.coins import SYMBOLS
from websocket.providers.base import Answer, Budget, Request, TickerProvider, parse_number, rows_by_symbol
from websocket.records import Ticker
from websocket.settings import ProviderSettings

POLYGON = "MATIC"
DATA_LAG_S = 60.0
"""Rows carry no time and are renewed about once a minute; so they are dated as old as they can be, lest they pass for
newer than a price that is."""

PAGE_SIZE = 100
LOOKUP_STARTS = (0, PAGE_SIZE)
"""Ranks at which the looked-through pages begin. Polygon's token stands among the first 200 coins."""


class CoinLore(TickerProvider):
    """Tickers from ``/api/ticker/``; learns one id on the way, so an instance keeps a little state.

    Green threads may share an instance: at worst two of them look the id up.
    """

    name = "coinlore"
    title = "CoinLore"
    docs = "https://www.coinlore.com/cryptocurrency-data-api"
    aggregates = True
    market_ids: ClassVar[Mapping[str, str]] = {
        "BTC": "90",
        "ETH": "80",
        "BNB": "2710",
        "ADA": "257",
        "SOL": "48543",
        "DOT": "45219",
        "USDT": "518",
        "USDC": "33285",
        "XRP": "58",
    }

    def __init__(self, settings: ProviderSettings) -> None:
        """Begins without Polygon's id, so the first request looks for it."""
        super().__init__(settings)
        self._polygon_id: str | None = None
        self._lookup_start = LOOKUP_STARTS[0]

    @property
    def budget(self) -> Budget:
        """One request a second is what the documentation asks for; new data come about once a minute."""
        return Budget(per_minute=60, min_interval_s=60)

    def listed(self, symbols: Collection[str]) -> dict[str, str]:
        """As everywhere, and Polygon's token as soon as its id is known."""
        listed = super().listed(symbols)
        if self._polygon_id is not None and POLYGON in symbols:
            listed[POLYGON] = self._polygon_id
        return listed

    def ticker_requests(self, symbols: Collection[str]) -> Sequence[Request]:
        """One request for all coins, and one for the id that is still unknown."""
        requests: list[Request] = []
        listed = self.listed(symbols)
        if listed:
            ids = ",".join(listed.values())
            requests.append(
                Request(operation="ticker", path="/api/ticker/", params=(("id", ids),), symbols=tuple(listed))
            )
        if POLYGON in symbols and self._polygon_id is None:
            page = (("start", str(self._lookup_start)), ("limit", str(PAGE_SIZE)))
            requests.append(Request(operation="tickers", path="/api/tickers/", params=page, symbols=(POLYGON,)))
        return requests

    def parse_tickers(self, answers: Sequence[Answer]) -> list[Ticker]:
        """Reads ``[{"id": "90", "symbol": "BTC", "price_usd": "97412.35", "percent_change_24h": "1.24", ...}, ...]``.

        Also in each row: ``volume24`` and ``market_cap_usd`` in dollars. The list of coins has the same rows in
        ``{"data": [...]}``; of these only the one of Polygon's token is used.

        Raises:
            BadPayload: the coins are not a list; or there is only the list of coins, and it is not an object with a
                list in ``data``. Beside good prices, a failed search for one id is no failure.
        """
        tickers: dict[str, Ticker] = {}
        for answer in answers:
            if answer.request.operation != "tickers":
                rows = answer.payload
            elif len(answers) == 1 or self._has_rows(answer):
                rows = self._polygon_rows(answer)
            else:
                continue
            if not isinstance(rows, list):
                raise self.bad_payload(answer, "a list of coins")
            for symbol, row in rows_by_symbol(rows, "id", self.listed(SYMBOLS)).items():
                ticker = Ticker(
                    symbol=symbol,
                    source=self.name,
                    price=parse_number(row.get("price_usd")),
                    source_time=answer.received_at - DATA_LAG_S,
                    received_at=answer.received_at,
                    change_percent_24h=parse_number(row.get("percent_change_24h")),
                    volume_24h=parse_number(row.get("volume24")),
                    market_cap=parse_number(row.get("market_cap_usd")),
                )
                tickers.setdefault(symbol, ticker)
        return list(tickers.values())

    @staticmethod
    def _has_rows(answer: Answer) -> bool:
        return isinstance(answer.payload, dict) and isinstance(answer.payload.get("data"), list)

    def _polygon_rows(self, answer: Answer) -> list[dict[str, Any]]:
        """The row of Polygon's token in a page of the list of coins, if it is there; its id is kept.

        Reads ``{"data": [{"id": "48563", "symbol": "POL", "name": "Polygon", ...}, ...], "info": {...}}``.
        """
        if not self._has_rows(answer):
            raise self.bad_payload(answer, "an object with a list of coins in 'data'")
        for row in answer.payload["data"]:
            if isinstance(row, dict) and self._is_polygon(row):
                self._polygon_id = row["id"]
                return [row]
        position = LOOKUP_STARTS.index(self._lookup_start) + 1
        self._lookup_start = LOOKUP_STARTS[position % len(LOOKUP_STARTS)]
        return []

    def _is_polygon(self, row: Mapping[str, Any]) -> bool:
        """Symbols are not unique, so the name must fit. The id goes into requests and must not be another coin's."""
        coin_id, name = row.get("id"), row.get("name")
        return (
            row.get("symbol") == "POL"
            and isinstance(name, str)
            and not {"pol", "polygon"}.isdisjoint(re.findall(r"[a-z]+", name.lower()))
            and isinstance(coin_id, str)
            and re.fullmatch(r"[0-9]{1,12}", coin_id) is not None
            and coin_id not in self.market_ids.values()
        )
