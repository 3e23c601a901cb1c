"""How much chains are used, and what that costs: addresses, transactions, fees, gas, value locked.

The flat keys are Ethereum's, since gas is; ``tvl`` is that of all chains. Gas is asked for about once a block, other
figures at the pace at which they change: what is counted by day has its day beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from websocket.chain_records import ContractEvent, GasFees, NetworkActivity, ProtocolFees, Tvl
from websocket.providers.base import Answer, Provider
from websocket.providers.capabilities import ActivityProvider, BlockExplorer, ChainExplorer, GasOracle
from websocket.scheduler import Scheduler
from websocket.services.base import DataService, Part, ServiceContext
from websocket.services.chain_contracts import ApplicationFeesSource, EventNode, TvlSource, as_kind, pool_of
from websocket.services.chain_heights import ChainHeight, pace_of
from websocket.services.onchain_judgement import (
    block_fees_of,
    completed,
    fees_usd_of,
    newest_events,
    total_tvl,
    wrong_activity,
    wrong_application_fees,
    wrong_events,
    wrong_gas,
    wrong_tvl,
)
from websocket.services.onchain_payload import BlockFees, ChainActivity, ContractEventInfo, GasPrices, Onchain
from websocket.services.part_refresh import Paced, PartRefresh, live_value, then_first_news
from websocket.services.rpc_nodes_payload import unfit_nodes

BITCOIN, ETHEREUM = "bitcoin", "ethereum"

COINS = {BITCOIN: "BTC", ETHEREUM: "ETH"}
"""The chains that are looked at, with the coins that pay their fees."""

CHAIN_IDS = {ETHEREUM: 1}
"""EIP-155 numbers, by which a chain is known whatever a source calls it."""

SOURCES_IN_A_ROUND = 6
"""A round may have to go through every source of a pool, and wait for each as long as for one whole answer."""

GAS_MAX_AGE_S = 120.0
DAILY_MAX_AGE_S = 3.5 * 86_400.0
"""A day is counted one or two days after its end; a little patience with whoever counts does no harm."""

EVENT_INTERVAL_S = 30.0
EVENT_BLOCKS = 4
"""Read at a time: more than come in an interval, and far fewer than any host allows; 4 real ones have some 600 kB."""

EVENT_DELAY_S = 5.0
"""By then the first answer about gas has said how high the chain is."""

EVENTS_MAX_AGE_S = 240.0

ACTIVITY_INTERVALS_TO_STALE = 10
SLOW_INTERVALS_TO_STALE = 3

TVL_CHAINS = 20


class OnchainService(DataService):
    """Publishes ``onchain``.

    Args:
        context: what it is built from.
    """

    name = "onchain"
    payload_type = Onchain

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        settings, clock, pool = context.settings.chains, context.clock, context.pool
        self._gas_height = ChainHeight(pace_of(ETHEREUM), clock)

        activity_age_s = ACTIVITY_INTERVALS_TO_STALE * settings.onchain_activity_interval_s
        fee_age_s = SLOW_INTERVALS_TO_STALE * settings.onchain_fee_interval_s
        block_age_s = SLOW_INTERVALS_TO_STALE * settings.onchain_block_interval_s
        tvl_age_s = SLOW_INTERVALS_TO_STALE * settings.onchain_tvl_interval_s
        self._gas = self.part("gas", GasFees, max_age_s=GAS_MAX_AGE_S)
        self._activity = self.part("ethereum_transactions", NetworkActivity, max_age_s=activity_age_s)
        self._daily = {name: self.part(f"{name}_daily", NetworkActivity, max_age_s=DAILY_MAX_AGE_S) for name in COINS}
        # US dollars of 24 h
        self._fees = {name: self.part(f"{name}_fees", float, max_age_s=fee_age_s) for name in COINS}
        self._block_fees = self.part("bitcoin_block_fees", BlockFees, max_age_s=block_age_s)
        self._application_fees = self.part("ethereum_application_fees", ProtocolFees, max_age_s=tvl_age_s)
        self._tvl: Part[list[Tvl]] = self.part("tvl", list, max_age_s=tvl_age_s)
        self._events: Part[list[ContractEvent]] = self.part("contract_events", list, max_age_s=EVENTS_MAX_AGE_S)
        self._event_blocks = range(0)
        """What is being asked for."""

        nodes = [name for name in context.sources if name.startswith(f"{ETHEREUM}:")]
        self._gas_refresh = PartRefresh(
            pool("onchain_gas", [*nodes, *settings.onchain_gas_providers], GasOracle, topic="gas"),
            [self._gas],
            requests=lambda provider: provider.gas_requests(),
            read=self._read_gas,
            interval_s=settings.onchain_gas_interval_s,
            clock=clock,
            leave_out=lambda: unfit_nodes(context.broker, now=clock()),
        )
        self._activity_refresh = PartRefresh(
            pool("onchain_activity", settings.onchain_activity_providers, ActivityProvider, topic="activity of today"),
            [self._activity],
            requests=lambda provider: provider.activity_requests(),
            read=self._read_activity,
            interval_s=settings.onchain_activity_interval_s,
            clock=clock,
        )
        self._daily_refresh = PartRefresh(
            pool("onchain_daily", settings.onchain_daily_providers, ActivityProvider, topic="activity by day"),
            self._daily.values(),
            requests=lambda provider: provider.activity_requests(),
            read=self._read_activity,
            interval_s=settings.onchain_daily_interval_s,
            clock=clock,
        )
        self._events_refresh = PartRefresh(
            context.pool(
                "onchain_contract_events",
                [name for name in nodes if isinstance(context.sources[name].provider, EventNode)],
                Provider,
                topic="contract events",
            ),
            [self._events],
            requests=lambda provider: as_kind(provider, EventNode).contract_events_requests(self._event_blocks),
            read=self._read_events,
            interval_s=EVENT_INTERVAL_S,
            clock=clock,
            leave_out=lambda: unfit_nodes(context.broker, now=clock()),
        )
        self._fee_refreshes = {name: self._fee_refresh(name) for name in COINS}
        self._block_refresh = PartRefresh(
            pool("onchain_block_fees", settings.onchain_block_providers, BlockExplorer, topic="block fees"),
            [self._block_fees],
            requests=lambda provider: provider.blocks_requests(),
            read=self._read_blocks,
            interval_s=settings.onchain_block_interval_s,
            clock=clock,
        )
        self._tvl_refresh = PartRefresh(
            pool_of(context, "onchain_tvl", settings.onchain_tvl_providers, TvlSource, topic="tvl"),
            [self._tvl],
            requests=lambda provider: as_kind(provider, TvlSource).tvl_requests(),
            read=self._read_tvl,
            interval_s=settings.onchain_tvl_interval_s,
            clock=clock,
        )
        name = "onchain_application_fees"
        self._application_refresh = PartRefresh(
            pool_of(context, name, settings.onchain_tvl_providers, ApplicationFeesSource, topic="application fees"),
            [self._application_fees],
            requests=lambda provider: as_kind(provider, ApplicationFeesSource).fees_requests(ETHEREUM),
            read=self._read_application_fees,
            interval_s=settings.onchain_tvl_interval_s,
            clock=clock,
        )

    def _fee_refresh(self, chain: str) -> PartRefresh[ChainExplorer]:
        settings = self.context.settings.chains

        def read(
            refresh: PartRefresh[ChainExplorer], provider: ChainExplorer, answers: Sequence[Answer]
        ) -> list[str | None]:
            stats = provider.parse_stats(answers)
            fees = fees_usd_of(stats, chain, live_value(self._fees[chain]))
            if fees is None:
                return ["no fees that can be believed"]
            refresh.hold(self._fees[chain], fees, source=stats.source, as_of=stats.as_of)
            return []

        name = f"onchain_{chain}_fees"
        return PartRefresh(
            self.context.pool(name, settings.onchain_fee_providers, ChainExplorer, topic=name),
            [self._fees[chain]],
            requests=lambda provider: provider.stats_requests(chain),
            read=read,
            interval_s=settings.onchain_fee_interval_s,
            clock=self.context.clock,
        )

    def schedule_refreshes(self, scheduler: Scheduler) -> None:
        settings, clock = self.context.settings.chains, self.context.clock
        deadline_s = SOURCES_IN_A_ROUND * self.context.settings.upstream.deadline_s
        for job, interval_s, refresh in (
            ("gas", settings.onchain_gas_interval_s, self.refresh_gas),
            ("activity", settings.onchain_activity_interval_s, self.refresh_activity),
        ):
            scheduler.every(
                interval_s, f"onchain_{job}_collection", then_first_news(self, refresh), deadline_s=deadline_s
            )
        scheduler.every(
            EVENT_INTERVAL_S,
            "onchain_contract_events_collection",
            then_first_news(self, self.refresh_events),
            deadline_s=deadline_s,
            delay_s=EVENT_DELAY_S,
        )
        slow: list[tuple[str, float, Callable[[], bool]]] = [
            ("daily", settings.onchain_daily_interval_s, self.refresh_daily),
            ("block_fees", settings.onchain_block_interval_s, self.refresh_block_fees),
            ("tvl", settings.onchain_tvl_interval_s, self.refresh_tvl),
            ("application_fees", settings.onchain_tvl_interval_s, self.refresh_application_fees),
        ]
        slow += [
            (f"{name}_fees", settings.onchain_fee_interval_s, fees.run) for name, fees in self._fee_refreshes.items()
        ]
        for job, interval_s, refresh in slow:
            paced = Paced(interval_s, then_first_news(self, refresh), clock=clock)
            scheduler.every(paced.job_interval_s, f"onchain_{job}_collection", paced, deadline_s=deadline_s)

    # Collecting

    def refresh_gas(self) -> bool:
        """Asks what gas costs on Ethereum."""
        return self._gas_refresh.run()

    def refresh_events(self) -> bool:
        """Asks what well-known contracts on Ethereum wrote in its newest blocks.

        That is up to the newest that a node must have which is not left out; so deep they are hardly ever replaced.
        """
        best = self._gas_height.best
        if best is None:
            self._events.fail("the height of the chain is not known yet")
            return False
        end = max(best - pace_of(ETHEREUM).lag_limit + 1, EVENT_BLOCKS)
        self._event_blocks = range(end - EVENT_BLOCKS, end)
        return self._events_refresh.run()

    def refresh_activity(self) -> bool:
        """Asks for Ethereum's transactions of today."""
        return self._activity_refresh.run()

    def refresh_daily(self) -> bool:
        """Asks for addresses and transactions of the newest day that is counted."""
        return self._daily_refresh.run()

    def refresh_fees(self, chain: str) -> bool:
        """Asks what the transactions of a chain paid in 24 h."""
        return self._fee_refreshes[chain].run()

    def refresh_block_fees(self) -> bool:
        """Asks what transactions paid in Bitcoin's newest blocks."""
        return self._block_refresh.run()

    def refresh_tvl(self) -> bool:
        """Asks for the value locked on all chains."""
        return self._tvl_refresh.run()

    def refresh_application_fees(self) -> bool:
        """Asks what users paid to the applications on Ethereum."""
        return self._application_refresh.run()

    def _read_gas(
        self, refresh: PartRefresh[GasOracle], provider: GasOracle, answers: Sequence[Answer]
    ) -> list[str | None]:
        gas = provider.parse_gas(answers)
        wrong = wrong_gas(gas, ETHEREUM, live_value(self._gas)) or self._wrong_height(gas)
        if wrong is None:
            refresh.hold(self._gas, gas, source=gas.source, as_of=gas.as_of)
        return [wrong]

    def _read_events(
        self, refresh: PartRefresh[Provider], provider: Provider, answers: Sequence[Answer]
    ) -> list[str | None]:
        blocks = self._event_blocks
        read = as_kind(provider, EventNode).parse_contract_events(blocks, answers)
        wrong = wrong_events(read.events)
        if wrong is None:
            events = newest_events(read.events, self._events.value or (), blocks)
            refresh.hold(self._events, events, source=provider.name, as_of=read.as_of)
        return [wrong]

    def _wrong_height(self, gas: GasFees) -> str | None:
        """Whether it speaks of old blocks or of another chain: a node that hangs answers as willingly as any other."""
        if gas.block is None:
            return None
        verdict = self._gas_height.offer(gas.source, gas.block)
        best = self._gas_height.best
        if verdict == "refused" or best is None:
            return f"a height of {gas.block}, far off what is known"
        behind = best - gas.block
        return f"{behind} blocks behind" if behind > pace_of(ETHEREUM).lag_limit else None

    def _read_activity(
        self, refresh: PartRefresh[ActivityProvider], provider: ActivityProvider, answers: Sequence[Answer]
    ) -> list[str | None]:
        refused: list[str | None] = []
        for activity in provider.parse_activity(answers):
            if activity.chain not in COINS:
                continue
            part = self._daily[activity.chain]
            if activity.day is None:
                if activity.chain != ETHEREUM or activity.transactions is None:
                    continue
                part = self._activity
            wrong = wrong_activity(activity, live_value(part), self.context.clock())
            refused.append(wrong)
            if wrong is None:
                whole = completed(activity, part.value)
                refresh.hold(part, whole, source=whole.source, as_of=whole.as_of)
        return refused

    def _read_blocks(
        self, refresh: PartRefresh[BlockExplorer], provider: BlockExplorer, answers: Sequence[Answer]
    ) -> list[str | None]:
        fees = block_fees_of(provider.parse_blocks(answers))
        if fees is None:
            return ["no fees of blocks that can be believed"]
        as_of = max(answer.received_at for answer in answers)
        refresh.hold(self._block_fees, fees, source=provider.name, as_of=as_of)
        return []

    def _read_tvl(
        self, refresh: PartRefresh[Provider], provider: Provider, answers: Sequence[Answer]
    ) -> list[str | None]:
        rows = as_kind(provider, TvlSource).parse_tvl(answers)
        wrong = wrong_tvl(rows, live_value(self._tvl), self._tvl.value or ())
        if wrong is None:
            refresh.hold(self._tvl, rows, source=rows[0].source, as_of=rows[0].as_of)
        return [wrong]

    def _read_application_fees(
        self, refresh: PartRefresh[Provider], provider: Provider, answers: Sequence[Answer]
    ) -> list[str | None]:
        fees = as_kind(provider, ApplicationFeesSource).parse_fees(answers)
        wrong = wrong_application_fees(fees, ETHEREUM)
        if wrong is None:
            refresh.hold(self._application_fees, fees, source=fees.source, as_of=fees.as_of)
        return [wrong]

    # Publishing

    def payload(self) -> Onchain:
        locked = self._tvl.value or []
        chains = {name: self._chain(name, locked) for name in COINS}
        ethereum = chains[ETHEREUM]
        return Onchain(
            active_addresses=ethereum.active_addresses,
            active_addresses_day=ethereum.active_addresses_day,
            transaction_count=ethereum.transaction_count,
            transaction_count_day=ethereum.transaction_count_day,
            total_fees=ethereum.total_fees,
            total_fees_usd=ethereum.total_fees_usd,
            gas_price=ethereum.gas_price,
            network_utilization=ethereum.network_utilization,
            tvl=round(total_tvl(locked), 2) if locked else None,
            tvl_by_chain={row.chain: round(row.tvl_usd, 2) for row in locked[:TVL_CHAINS]},
            chains=chains,
            contract_events=[ContractEventInfo.of(event) for event in self._events.value or ()],
            **self.standing(),
        )

    def _chain(self, name: str, locked: Sequence[Tvl]) -> ChainActivity:
        daily, fees_usd, price = self._daily[name].value, self._fees[name].value, self._price(COINS[name])
        counted = self._counted(name)
        tvl = [row.tvl_usd for row in locked if row.chain.lower() == name or row.chain_id == CHAIN_IDS.get(name, -1)]
        addresses = None if daily is None else daily.active_addresses
        return ChainActivity(
            active_addresses=addresses,
            active_addresses_day=None if daily is None or addresses is None else daily.day,
            transaction_count=None if counted is None else counted.transactions,
            transaction_count_day=None if counted is None else counted.day,
            total_fees=None if fees_usd is None or price is None else round(fees_usd / price, 8),
            total_fees_usd=None if fees_usd is None else round(fees_usd, 2),
            tvl=round(tvl[0], 2) if tvl else None,
            **(self._bitcoin(price) if name == BITCOIN else self._ethereum()),
        )

    def _bitcoin(self, price: float | None) -> dict[str, Any]:
        fees = self._block_fees.value
        if fees is not None and price is not None:
            fees = msgspec.structs.replace(fees, total_usd=round(fees.total * price, 2))
        return {"block_fees": fees}

    def _ethereum(self) -> dict[str, Any]:
        gas, applications = self._gas.value, self._application_fees.value
        return {
            "application_fees_usd": None if applications is None else round(applications.fees_usd_24h, 2),
            "gas_price": None if gas is None else gas.average_gwei,
            "gas": None if gas is None else GasPrices(
                base_fee=gas.base_fee_gwei, slow=gas.slow_gwei, average=gas.average_gwei, fast=gas.fast_gwei
            ),
            "network_utilization": None if gas is None or gas.utilization_percent is None
            else round(gas.utilization_percent, 2),
        }  # fmt: skip

    def _counted(self, chain: str) -> NetworkActivity | None:
        """Who counts the transactions of a chain: today's counter while it is not old, else the newest whole day."""
        daily = self._daily[chain].value
        if daily is not None and daily.transactions is None:
            daily = None
        if chain != ETHEREUM or self._activity.value is None:
            return daily
        return self._activity.value if daily is None or self._activity.info().status == "live" else daily

    def _price(self, symbol: str) -> float | None:
        """US dollars, or None while it is not known well enough."""
        age_s = self.context.book.age(symbol)
        quote = self.context.book.quote(symbol)
        fresh = quote is not None and age_s is not None and age_s <= self.context.settings.prices.stale_after_s
        return quote.price if fresh and quote is not None else None
