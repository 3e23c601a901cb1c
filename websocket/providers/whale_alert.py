"""Whale Alert: large transfers of many chains with their owners; needs a key.

Documentation: https://developer.whale-alert.io/documentation/, checked 2026-11-21: version 1, which is deprecated in
favour of a paid one but the only one whose shape is published.

Rate limit as published: by plan; the numbers of the plans could not be verified. Examples ask for transfers of at least
500,000 dollars.

Quirks:
    - Hashes and addresses of Ethereum come without ``0x``. ``owner`` is missing when it is not known.
    - Errors: ``{"result": "error", "message": "..."}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websocket.chain_records import Transfer
from websocket.errors import AccessRefused, RateLimited, UpstreamError, UpstreamStatus
from websocket.providers.base import Answer, Budget, Request, parse_amount, parse_name, parse_unix_time
from websocket.providers.capabilities import LargeTransfers
from websocket.settings import KeyedProviderSettings

MIN_USD = 500_000
LIMIT = 100
HEXADECIMAL = frozenset("0123456789abcdef")
CHAINS_OF_0X = ("ethereum", "bnb", "polygon", "arbitrum", "optimism", "base")
OUR_NAMES = {"binancechain": "bnb", "binance smart chain": "bnb"}


class WhaleAlert(LargeTransfers):
    """Transfers from ``/transactions``; off without a key."""

    name = "whale_alert"
    title = "Whale Alert"
    docs = "https://developer.whale-alert.io/documentation/"
    chains = ("bitcoin", "ethereum", "bnb", "polygon", "solana")
    settings: KeyedProviderSettings

    @property
    def budget(self) -> Budget:
        """No number could be verified: ten a minute at most, and one on the average, is our own pace."""
        return Budget(per_minute=10, min_interval_s=60)

    @property
    def configured(self) -> bool:
        """False without a key: nothing is answered then."""
        return bool(self.settings.api_key)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """Errors by what they say, with any status."""
        if not isinstance(payload, dict) or payload.get("result") != "error":
            return None
        message = payload.get("message")
        said = message.lower() if isinstance(message, str) else ""
        if "limit" in said:
            return RateLimited(self.name, request.operation, "the usage limit is reached")
        if "key" in said or "plan" in said:
            reason = "the key is refused, or its plan does not allow it: check WHALE_ALERT_API_KEY"
            return AccessRefused(self.name, request.operation, reason, status if status >= 400 else 401)
        if status < 400:
            return UpstreamStatus(self.name, request.operation, f"an error in an answer with status {status}", 502)
        return None

    def large_transfers_requests(self, chain: str, *, min_usd: float, since: float) -> Sequence[Request]:
        """One request for the transfers of all chains; less than ``MIN_USD`` cannot be asked for."""
        if chain not in self.chains:
            return []
        return [
            Request(
                operation="transactions",
                path="/transactions",
                params=(
                    ("api_key", self.settings.api_key.reveal()),
                    ("min_value", f"{max(min_usd, MIN_USD):.0f}"),
                    ("start", f"{since:.0f}"),
                    ("limit", str(LIMIT)),
                ),
            )
        ]

    def parse_large_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads ``{"result": "success", "transactions": [{"blockchain": "ethereum", "symbol": "eth", ...}, ...]}``.

        Also in each row: ``hash``, ``from`` and ``to`` (``address``, ``owner``), ``timestamp``, ``amount``,
        ``amount_usd``. An answer without transfers may lack the list. Coins that are made or burnt are left out.

        Raises:
            BadPayload: an answer is not an object, or ``transactions`` is not a list.
        """
        transfers: list[Transfer] = []
        for answer in answers:
            rows = answer.payload.get("transactions") if isinstance(answer.payload, dict) else None
            if rows is None and isinstance(answer.payload, dict) and answer.payload.get("result") == "success":
                rows = []
            if not isinstance(rows, list):
                raise self.bad_payload(answer, "an object with a list in 'transactions'")
            found = [self._transfer(row) for row in rows if isinstance(row, dict)]
            transfers += [transfer for transfer in found if transfer is not None]
        return transfers

    def _transfer(self, row: dict[str, Any]) -> Transfer | None:
        blockchain, symbol = parse_name(row.get("blockchain")), parse_name(row.get("symbol"))
        hash, amount = parse_name(row.get("hash")), parse_amount(row.get("amount"))
        if blockchain is None or symbol is None or hash is None or amount is None:
            return None
        if row.get("transaction_type", "transfer") != "transfer":
            return None
        chain = OUR_NAMES.get(blockchain.lower(), blockchain.lower())
        sender, receiver = row.get("from"), row.get("to")
        return Transfer(
            chain=chain,
            source=self.name,
            hash=_with_0x(chain, hash),
            asset=symbol.upper(),
            amount=amount,
            amount_usd=parse_amount(row.get("amount_usd")),
            sender=_address(chain, sender),
            receiver=_address(chain, receiver),
            sender_owner=parse_name(sender.get("owner")) if isinstance(sender, dict) else None,
            receiver_owner=parse_name(receiver.get("owner")) if isinstance(receiver, dict) else None,
            time=parse_unix_time(row.get("timestamp")),
        )


def _address(chain: str, party: Any) -> str | None:
    address = parse_name(party.get("address")) if isinstance(party, dict) else None
    return None if address is None else _with_0x(chain, address)


def _with_0x(chain: str, value: str) -> str:
    lower = value.lower()
    if chain in CHAINS_OF_0X and len(lower) in (40, 64) and HEXADECIMAL.issuperset(lower):
        return f"0x{lower}"
    return value
