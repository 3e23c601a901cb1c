"""What explorers of blockchains say: newest block, hash rate, difficulty, waiting and confirmed transactions.

Bitcoin is looked at as a whole once a minute, and at its newest block in between; Ethereum's newest block about as
often as there is one. Figures of 24 h come from whoever counts them, less often. The flat keys are Bitcoin's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from websocket.chain_records import BlockInfo, ChainStats, FeeRates
from websocket.providers.base import Answer, Provider
from websocket.providers.capabilities import BlockExplorer, ChainExplorer
from websocket.records import figure, to_rfc3339
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, Part, ServiceContext
from websocket.services.chain_contracts import FeeRateSource, as_kind, pool_of
from websocket.services.chain_heights import ChainTip, pace_of
from websocket.services.explorers_payload import ChainOverview, Explorers, FeeRateInfo, ReorganisationInfo
from websocket.services.part_refresh import Paced, PartRefresh, live_value, then_first_news, within_factor
from websocket.services.rpc_nodes_payload import unfit_nodes
from websocket.upstream.source import Source

BITCOIN, ETHEREUM = "bitcoin", "ethereum"

SOURCES_IN_A_ROUND = 6
"""A round may have to go through every source of a pool, and wait for each as long as for one whole answer."""

BLOCK_TIME_AHEAD_S = 2 * 3600.0
"""Miners may date a block up to two hours ahead; a later time is none."""

BITCOIN_MAX_AGE_S = 360.0
"""The slower explorers behind the first one are asked once in some minutes; what they say is not old before that."""

ETHEREUM_MAX_AGE_S = 120.0
MINING_MAX_AGE_S = 1800.0
FEE_RATES_INTERVALS = 2
"""Of the explorers of Bitcoin: they have budgets, and fee rates change with the blocks."""

FEE_RATES_MAX_AGE_S = 600.0
DAY_INTERVALS_TO_STALE = 3

HASHES_PER_BLOCK_AND_DIFFICULTY = 2**32
BLOCK_S = 600.0
HASH_RATE_FACTOR = 5.0
"""Hash rate and difficulty belong together, but hash rate is measured over days and changes from day to day."""

RETARGET_FACTOR = 4.0
"""By the rules of Bitcoin the difficulty changes at most by this factor at once."""

MOST_WAITING = 50_000_000
MOST_IN_A_DAY = 1_000_000_000
DAY_FACTOR = 3.0
"""Of a window of 24 h that moved on by half an hour. Sources count differently, but not by so much."""

MOST_FEE_USD = 10_000.0
"""Average of a transaction; the dearest day so far had about 130."""

MOST_FEE_RATE = 100_000.0
"""Satoshi per virtual byte, a thousand times the worst rush so far."""


class _Mining(msgspec.Struct, frozen=True):
    """Hash rate (H/s, or None), whether it is an estimate, and difficulty, or None."""

    hash_rate: float | None
    estimated: bool
    difficulty: float | None


class _Mempool(msgspec.Struct, frozen=True):
    """Waiting transactions, and their virtual bytes or None."""

    transactions: int
    vbytes: int | None


class _Day(msgspec.Struct, frozen=True):
    """Transactions of 24 h, and what they paid on average (US dollars) or None."""

    transactions: int
    average_fee_usd: float | None


class _Chain:
    """What is held about one chain."""

    def __init__(self, name: str, *, tip: ChainTip, block: Part[BlockInfo], day: Part[_Day]) -> None:
        self.name = name
        self.tip = tip
        self.block = block
        self.day = day


class ExplorerService(DataService):
    """Publishes ``explorers``.

    Args:
        context: what it is built from.
    """

    name = "explorers"
    payload_type = Explorers

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        settings, clock = context.settings.chains, context.clock
        day_age_s = DAY_INTERVALS_TO_STALE * settings.explorer_day_interval_s
        self._chains = {
            name: _Chain(
                name,
                tip=ChainTip(pace_of(name), clock),
                block=self.part(f"{name}_block", BlockInfo, max_age_s=max_age_s),
                day=self.part(f"{name}_transactions", _Day, max_age_s=day_age_s),
            )
            for name, max_age_s in ((BITCOIN, BITCOIN_MAX_AGE_S), (ETHEREUM, ETHEREUM_MAX_AGE_S))
        }
        self._mining = self.part("bitcoin_mining", _Mining, max_age_s=MINING_MAX_AGE_S)
        self._mempool = self.part("bitcoin_mempool", _Mempool, max_age_s=BITCOIN_MAX_AGE_S)
        self._fee_rates = self.part("bitcoin_fee_rates", FeeRates, max_age_s=FEE_RATES_MAX_AGE_S)

        self._bitcoin = self._stats_refresh(
            BITCOIN,
            "explorers_bitcoin",
            settings.explorer_bitcoin_providers,
            (self._chains[BITCOIN].block, self._mining, self._mempool),
            interval_s=settings.explorer_interval_s,
        )
        nodes = [name for name in context.sources if name.startswith(f"{ETHEREUM}:")]
        self._ethereum = self._stats_refresh(
            ETHEREUM,
            "explorers_ethereum",
            [*nodes, *settings.explorer_ethereum_providers],
            (self._chains[ETHEREUM].block,),
            interval_s=settings.explorer_ethereum_interval_s,
        )
        self._days = {
            name: self._stats_refresh(
                name,
                f"explorers_{name}_day",
                [one for one in settings.explorer_day_providers if name in _chains_of(context.sources[one])],
                (chain.day,),
                interval_s=settings.explorer_day_interval_s,
            )
            for name, chain in self._chains.items()
        }
        self._bitcoin_tip = PartRefresh(
            context.pool(
                "explorers_bitcoin_tip", settings.explorer_tip_providers, BlockExplorer, topic="explorers_bitcoin_tip"
            ),
            (self._chains[BITCOIN].block,),
            requests=lambda provider: provider.blocks_requests(),
            read=self._read_blocks,
            interval_s=settings.explorer_interval_s,
            clock=clock,
        )
        self._fees = PartRefresh(
            pool_of(context, "explorers_fee_rates", settings.explorer_fee_providers, FeeRateSource, topic="fee rates"),
            (self._fee_rates,),
            requests=lambda provider: as_kind(provider, FeeRateSource).fee_rates_requests(),
            read=self._read_fee_rates,
            interval_s=FEE_RATES_INTERVALS * settings.explorer_interval_s,
            clock=clock,
        )

    def _stats_refresh(
        self, chain: str, name: str, providers: Sequence[str], parts: Sequence[Part[Any]], *, interval_s: float
    ) -> PartRefresh[ChainExplorer]:
        def read(
            refresh: PartRefresh[ChainExplorer], provider: ChainExplorer, answers: Sequence[Answer]
        ) -> list[str | None]:
            return self._take(refresh, self._chains[chain], provider.parse_stats(answers))

        return PartRefresh(
            self.context.pool(name, providers, ChainExplorer, topic=name),
            parts,
            requests=lambda provider: provider.stats_requests(chain),
            read=read,
            interval_s=interval_s,
            clock=self.context.clock,
            leave_out=lambda: unfit_nodes(self.context.broker, now=self.context.clock()),
        )

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        settings = self.context.settings.chains
        interval_s = settings.explorer_interval_s
        deadline_s = SOURCES_IN_A_ROUND * self.context.settings.upstream.deadline_s
        jobs: list[tuple[str, Callable[[], object], float, float]] = [
            ("bitcoin", self.refresh_bitcoin, interval_s, 0.0),
            # half an interval after the whole look, so that the newest block is asked for twice in each
            ("bitcoin_tip", self.refresh_bitcoin_tip, interval_s, interval_s / 2),
            ("ethereum", self.refresh_ethereum, settings.explorer_ethereum_interval_s, 0.0),
            ("fee_rates", self.refresh_fee_rates, FEE_RATES_INTERVALS * interval_s, 0.0),
        ]
        for job, refresh, every_s, delay_s in jobs:
            run = then_first_news(self, refresh)
            scheduler.every(every_s, f"explorers_{job}_collection", run, deadline_s=deadline_s, delay_s=delay_s)
        for name, day in self._days.items():
            paced = Paced(settings.explorer_day_interval_s, then_first_news(self, day.run), clock=self.context.clock)
            scheduler.every(paced.job_interval_s, f"explorers_{name}_day_collection", paced, deadline_s=deadline_s)

    # Collecting

    def refresh_bitcoin(self) -> bool:
        """Asks for everything about Bitcoin, and says whether all of it came."""
        return self._bitcoin.run()

    def refresh_bitcoin_tip(self) -> bool:
        """Asks for Bitcoin's newest block alone."""
        return self._bitcoin_tip.run()

    def refresh_ethereum(self) -> bool:
        """Asks for Ethereum's newest block."""
        return self._ethereum.run()

    def refresh_day(self, chain: str) -> bool:
        """Asks for the figures of 24 h of one chain."""
        return self._days[chain].run()

    def refresh_fee_rates(self) -> bool:
        """Asks what a Bitcoin transaction should pay."""
        return self._fees.run()

    def _read_blocks(
        self, refresh: PartRefresh[BlockExplorer], provider: BlockExplorer, answers: Sequence[Answer]
    ) -> list[str | None]:
        blocks = provider.parse_blocks(answers)
        if not blocks:
            return ["not one block in the answer"]
        as_of = max(answer.received_at for answer in answers)
        return [self._take_block(refresh, self._chains[BITCOIN], provider.name, blocks[0], as_of)]

    def _read_fee_rates(
        self, refresh: PartRefresh[Provider], provider: Provider, answers: Sequence[Answer]
    ) -> list[str | None]:
        rates = as_kind(provider, FeeRateSource).parse_fee_rates(answers)
        wrong = _wrong_fee_rates(rates)
        if wrong is None:
            refresh.hold(self._fee_rates, rates, source=rates.source, as_of=rates.as_of)
        return [wrong]

    # Judging

    def _take(self, refresh: PartRefresh[ChainExplorer], chain: _Chain, stats: ChainStats) -> list[str | None]:
        """Holds what can be believed of an answer, and says what cannot."""
        if stats.chain != chain.name:
            return [f"speaks of {stats.chain}"]
        refused: list[str | None] = []
        if refresh.wants(chain.block) and stats.latest_block is not None:
            refused.append(self._take_block(refresh, chain, stats.source, stats.latest_block, stats.as_of))
        if refresh.wants(self._mining):
            refused.append(self._take_mining(refresh, stats))
        if refresh.wants(self._mempool):
            refused.append(self._take_mempool(refresh, stats))
        if refresh.wants(chain.day):
            refused.append(self._take_day(refresh, chain, stats))
        return refused

    def _take_block(
        self, refresh: PartRefresh[Any], chain: _Chain, source: str, block: BlockInfo, as_of: float
    ) -> str | None:
        if block.time is not None and not 0 < block.time <= self.context.clock() + BLOCK_TIME_AHEAD_S:
            block = msgspec.structs.replace(block, time=None)
        age_s = chain.tip.too_old(block)
        if age_s is not None:
            return f"its newest block is {age_s / 60:.0f} minutes old"
        verdict = chain.tip.offer(source, block)
        if verdict == "refused":
            return f"a height of {block.height}, far off what is known"
        if verdict != "behind":
            assert chain.tip.block is not None
            refresh.hold(chain.block, chain.tip.block, source=source, as_of=as_of)
        return None

    def _take_mining(self, refresh: PartRefresh[ChainExplorer], stats: ChainStats) -> str | None:
        rate, difficulty = stats.hash_rate, stats.difficulty
        if rate is None and difficulty is None:
            return None
        held = live_value(self._mining)
        held_difficulty = None if held is None else held.difficulty
        if difficulty is not None and not (
            difficulty > 0 and within_factor(difficulty, held_difficulty, RETARGET_FACTOR)
        ):
            return "a difficulty that cannot be"
        if rate is not None:
            known = difficulty or held_difficulty
            usual = None if known is None else known * HASHES_PER_BLOCK_AND_DIFFICULTY / BLOCK_S
            if not (rate > 0 and within_factor(rate, usual, HASH_RATE_FACTOR)):
                return "a hash rate that cannot be"
        mining = _Mining(rate, stats.hash_rate_estimated, difficulty)
        refresh.hold(self._mining, mining, source=stats.source, as_of=stats.as_of)
        return None

    def _take_mempool(self, refresh: PartRefresh[ChainExplorer], stats: ChainStats) -> str | None:
        waiting = stats.mempool_transactions
        if waiting is None:
            return None
        if not 0 <= waiting <= MOST_WAITING:
            return "a mempool that cannot be"
        mempool = _Mempool(waiting, stats.mempool_vbytes)
        refresh.hold(self._mempool, mempool, source=stats.source, as_of=stats.as_of)
        return None

    @staticmethod
    def _take_day(refresh: PartRefresh[ChainExplorer], chain: _Chain, stats: ChainStats) -> str | None:
        count, fee = stats.transactions_24h, stats.average_fee_usd_24h
        if count is None:
            return None
        held = live_value(chain.day)
        if not 0 < count <= MOST_IN_A_DAY:
            return "a number of transactions that cannot be"
        if not within_factor(count, None if held is None else held.transactions, DAY_FACTOR):
            return "a number of transactions far off what is known"
        day = _Day(count, fee if fee is not None and 0 <= fee <= MOST_FEE_USD else None)
        refresh.hold(chain.day, day, source=stats.source, as_of=stats.as_of)
        return None

    # Publishing

    def payload(self) -> Explorers:
        chains = {name: self._overview(chain) for name, chain in self._chains.items()}
        bitcoin = chains[BITCOIN]
        return Explorers(
            latest_block=bitcoin.latest_block,
            block_hash=bitcoin.block_hash,
            block_time=bitcoin.block_time,
            network_hashrate=bitcoin.network_hashrate,
            difficulty=bitcoin.difficulty,
            mempool_size=bitcoin.mempool_size,
            mempool_vbytes=bitcoin.mempool_vbytes,
            transactions_count=bitcoin.transactions_count,
            chains=chains,
            **self.standing(),
        )

    def _overview(self, chain: _Chain) -> ChainOverview:
        block, day = chain.block.value, chain.day.value
        is_bitcoin = chain.name == BITCOIN
        mining = self._mining.value if is_bitcoin else None
        mempool = self._mempool.value if is_bitcoin else None
        rates = self._fee_rates.value if is_bitcoin else None
        return ChainOverview(
            latest_block=block.height if block else None,
            block_hash=block.hash if block else None,
            block_time=to_rfc3339(block.time) if block and block.time is not None else None,
            block_transactions=block.transactions if block else None,
            block_size=block.size_bytes if block else None,
            network_hashrate=figure(mining.hash_rate) if mining else None,
            hashrate_estimated=mining.estimated if mining and mining.hash_rate is not None else None,
            difficulty=mining.difficulty if mining else None,
            mempool_size=mempool.transactions if mempool else None,
            mempool_vbytes=mempool.vbytes if mempool else None,
            transactions_count=day.transactions if day else None,
            average_fee_usd=figure(day.average_fee_usd) if day else None,
            fee_rates=FeeRateInfo.of(rates) if rates else None,
            reorganisation=ReorganisationInfo.of(chain.tip.reorganisation) if chain.tip.reorganisation else None,
        )


def _wrong_fee_rates(rates: FeeRates) -> str | None:
    """Why fee rates cannot be believed, or None."""
    dearest_first = (rates.fastest, rates.half_hour, rates.hour, rates.economy, rates.minimum)
    known = [rate for rate in dearest_first if rate is not None]
    if not known:
        return "not one fee rate in the answer"
    if any(not 0 < rate <= MOST_FEE_RATE for rate in known):
        return "fee rates that cannot be"
    if known != sorted(known, reverse=True):
        return "a faster transaction would cost less"
    return None


def _chains_of(source: Source[Any]) -> tuple[str, ...]:
    return source.provider.chains if isinstance(source.provider, ChainExplorer) else ()
