"""The service ``whale_tracking``: transactions that move large sums on Bitcoin and Ethereum, and who moved them.

``bitcoin_whales`` and ``ethereum_whales`` look for them, ``whale_ledger`` keeps each once. Sources that need a key add
further chains where one is set.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from websocket.chain_records import BlockInfo, Transfer
from websocket.errors import NoProviderAnswered
from websocket.providers.base import Answer, Request
from websocket.providers.capabilities import LargeTransfers
from websocket.records import Moment, to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, Payload, ServiceContext, told
from websocket.services.bitcoin_whales import BitcoinWhales
from websocket.services.block_follower import FollowedBlocks
from websocket.services.ethereum_whales import EthereumWhales
from websocket.services.kept_state import load_state, save_state
from websocket.services.whale_ledger import Move, WhaleLedger
from websocket.upstream.source import Source

WINDOW_S = 3600.0
"""What ``total_volume`` and ``whale_wallets`` sum up."""

WALLETS = 20
SAVE_INTERVAL_S = 30.0
SAVED_CANDIDATES = 200

PRICE_MAX_AGE_S = 3600.0
"""An older price says too little about what a transaction is worth now."""

ALERT_CHAINS = ("bitcoin", "ethereum")
"""Asked for one by one, where a source does not tell of all chains at once."""


class LargeTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction, or one transfer of a token within it.

    A Bitcoin transaction may pay many: ``from`` put in the most, ``to`` got the most, and ``amount`` is what all
    receivers got together, without the change. Change to a fresh address cannot be told apart. On Ethereum a
    transaction that failed in its block cannot be told from one that did not.

    Attributes:
        hash: of the transaction.
        value: US dollars, at the price when it was first seen.
        from_address: ``from`` on the wire: the sender's address; empty where there is none or it is not known.
        to: the receiver's address; empty where there is none or it is not known.
        timestamp: of its block; while it waits, when it was first seen. RFC 3339 UTC.
        chain: name of the chain, for example ``bitcoin``.
        asset: symbol of what moved, for example ``BTC`` or ``USDT``.
        amount: in units of the asset.
        confirmed: false while it waits for a block.
        block: height of its block, or null.
        from_label: the exchange that is known to own the sender's address, or null.
        to_label: the same for the receiver.
        source: who told us first.
    """

    hash: str
    value: float
    from_address: str = msgspec.field(name="from")
    to: str
    timestamp: str
    chain: str
    asset: str
    amount: float
    confirmed: bool
    block: int | None
    from_label: str | None
    to_label: str | None
    source: str


class WhaleWallet(msgspec.Struct, frozen=True, kw_only=True):
    """An address that moved large sums within the last hour, in confirmed transactions.

    Attributes:
        address: on its chain.
        chain: name of the chain.
        label: the exchange that is known to own it, or null.
        value: sent and received together, US dollars.
        sent: US dollars.
        received: US dollars.
        transactions: how many.
    """

    address: str
    chain: str
    label: str | None
    value: float
    sent: float
    received: float
    transactions: int


class WhaleTracking(Payload, frozen=True, kw_only=True):
    """Payload of ``whale_tracking``.

    Attributes:
        large_transactions: newest first; bounded (``WHALE_LISTED``), each once.
        whale_wallets: the addresses that moved most within the last hour, largest first; at most 20.
        total_volume: US dollars that large transactions moved within the last hour, waiting ones not counted; null
            before the first block was read.
        volume_since: since when ``total_volume`` misses nothing: an hour ago, or later after a start or an outage. What
            came after the ``as_of`` of a part is not in it yet. RFC 3339 UTC, or null before the first block was read.
        alert_threshold: least value of a large transaction, US dollars.
        unverified: Bitcoin transactions whose outputs reach the threshold, but whose change is not known yet.
    """

    large_transactions: list[LargeTransaction]
    whale_wallets: list[WhaleWallet]
    total_volume: float | None
    volume_since: str | None
    alert_threshold: float
    unverified: int


class KeptWhales(msgspec.Struct, frozen=True, kw_only=True):
    """What survives a restart; see the attributes of the same names."""

    moves: list[Move] = []
    bitcoin: FollowedBlocks = msgspec.field(default_factory=FollowedBlocks)
    candidates: list[Transfer] = []
    ethereum: FollowedBlocks = msgspec.field(default_factory=FollowedBlocks)
    tokens_due: list[BlockInfo] = []
    tokens_complete_since: Moment | None = None


class WhaleTrackingService(DataService):
    """Follows two chains and keeps their large transactions."""

    name = "whale_tracking"
    payload_type = WhaleTracking

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        settings = context.settings.whales
        self._settings = settings
        self._ledger = WhaleLedger(
            threshold_usd=settings.threshold_usd, price=self._price, priced=context.book.symbols, clock=context.clock
        )
        rounds = 5
        self._bitcoin = BitcoinWhales(
            context,
            self._ledger,
            blocks=self.part("bitcoin_blocks", int, max_age_s=rounds * settings.bitcoin_interval_s),
            mempool=self.part("bitcoin_mempool", int, max_age_s=rounds * settings.mempool_interval_s),
            details=self.part("bitcoin_details", int, max_age_s=rounds * settings.bitcoin_interval_s),
        )
        # a few blocks may be missing or late without anything being wrong
        ethereum_max_age_s = 60.0 + rounds * settings.ethereum_interval_s
        self._ethereum = EthereumWhales(
            context,
            self._ledger,
            blocks=self.part("ethereum_blocks", int, max_age_s=ethereum_max_age_s),
            tokens=self.part("ethereum_tokens", int, max_age_s=ethereum_max_age_s),
        )
        self._alerts = self.part("alerts", int, max_age_s=rounds * settings.transfer_interval_s)
        self._alert_pool = context.pool(
            "whale_tracking_alerts", settings.transfer_providers, LargeTransfers, topic="whale_alerts"
        )
        self._has_alerts = any(source.configured for source in self._alert_pool.sources)
        if not self._has_alerts:
            self._alerts.unconfigured(f"needs a key for {' or '.join(settings.transfer_providers)}")

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        self._bitcoin.schedule(scheduler)
        self._ethereum.schedule(scheduler)
        if self._has_alerts:
            scheduler.every(
                self._settings.transfer_interval_s,
                "whale_tracking_alerts_collection",
                self.refresh_alerts,
                deadline_s=self.context.settings.upstream.deadline_s * 4,
                delay_s=18,
            )
        scheduler.every(SAVE_INTERVAL_S, "save_whale_tracking", self.save, deadline_s=10, delay_s=SAVE_INTERVAL_S)

    def refresh_alerts(self) -> None:
        """Asks for the large transactions of further chains."""
        since = (self._alerts.as_of or self.context.clock()) - self._settings.transfer_interval_s * 2

        def ask(source: Source[LargeTransfers]) -> list[Transfer]:
            provider = source.provider
            requests: list[Request] = []
            for chain in ALERT_CHAINS:
                for request in provider.large_transfers_requests(
                    chain, min_usd=self._settings.threshold_usd, since=since
                ):
                    # a source that tells of all chains at once has the same request for each
                    if request not in requests:
                        requests.append(request)

            def read(answers: Sequence[Answer]) -> list[Transfer]:
                return provider.parse_large_transfers(answers)

            return source.ask((), lambda _: requests, read, topic=self._alert_pool.topic)

        try:
            transfers = self._alert_pool.fetch(ask)
        except NoProviderAnswered as error:
            self._alerts.fail(told(error.attempts))
            return
        for transfer in transfers:
            if not transfer.includes_change:
                self._ledger.offer(transfer, confirmed=True)
        self._alerts.hold(len(transfers), source=self._alert_pool.active or "", as_of=self.context.clock())

    def payload(self) -> WhaleTracking:
        standing = self.standing()
        unpriced = self._ledger.unpriced(WINDOW_S)
        if unpriced:
            said = f"not counted within the last hour, for lack of a dollar price: {', '.join(unpriced)}"
            standing["reason"] = "; ".join(filter(None, [standing["reason"], said]))
            if standing["status"] == "live":
                standing["status"] = "degraded"
        since = self._volume_since()
        return WhaleTracking(
            large_transactions=[_on_the_wire(move) for move in self._ledger.newest(self._settings.listed)],
            whale_wallets=[
                WhaleWallet(
                    address=wallet.address,
                    chain=wallet.chain,
                    label=wallet.label,
                    value=round(wallet.sent + wallet.received, 2),
                    sent=round(wallet.sent, 2),
                    received=round(wallet.received, 2),
                    transactions=wallet.transactions,
                )
                for wallet in self._ledger.wallets(WINDOW_S, WALLETS)
            ],
            total_volume=None if since is None else round(self._ledger.volume(WINDOW_S), 2),
            volume_since=None if since is None else to_rfc3339(since),
            alert_threshold=self._settings.threshold_usd,
            unverified=len(self._bitcoin.candidates),
            **standing,
        )

    def save(self) -> None:
        kept = KeptWhales(
            moves=self._ledger.dump(),
            bitcoin=self._bitcoin.follower.dump(),
            candidates=self._bitcoin.candidates[:SAVED_CANDIDATES],
            ethereum=self._ethereum.follower.dump(),
            tokens_due=self._ethereum.tokens_due,
            tokens_complete_since=self._ethereum.tokens_complete_since,
        )
        save_state(self.context, self.name, kept)

    def restore(self) -> None:
        # blocks that were missed meanwhile are read as far as they can be
        kept = load_state(self.context, self.name, KeptWhales)
        if kept is not None:
            self._ledger.restore(kept.moves)
            self._bitcoin.restore(kept.bitcoin, kept.candidates)
            self._ethereum.restore(kept.ethereum, kept.tokens_due, kept.tokens_complete_since)

    def _price(self, asset: str) -> float | None:
        if asset not in self.context.book.symbols:
            return None
        age_s = self.context.book.age(asset)
        quote = self.context.book.quote(asset)
        return quote.price if quote is not None and age_s is not None and age_s <= PRICE_MAX_AGE_S else None

    def _volume_since(self) -> float | None:
        """Since when nothing is missing in the sums; None before anything was read."""
        known = [
            since
            for since in (
                self._bitcoin.follower.complete_since,
                self._ethereum.follower.complete_since,
                self._ethereum.tokens_complete_since,
            )
            if since is not None
        ]
        if not known:
            return None
        # what has not begun yet misses everything until now
        began = self.context.clock() if len(known) < 3 else max(known)
        return max(began, self.context.clock() - WINDOW_S, self._ledger.complete_since or 0.0)


def _on_the_wire(move: Move) -> LargeTransaction:
    return LargeTransaction(
        hash=move.hash,
        value=move.value_usd,
        from_address=move.sender or "",
        to=move.receiver or "",
        timestamp=to_rfc3339(move.time),
        chain=move.chain,
        asset=move.asset,
        amount=move.amount,
        confirmed=move.confirmed,
        block=move.block_height,
        from_label=move.sender_label,
        to_label=move.receiver_label,
        source=move.source,
    )
