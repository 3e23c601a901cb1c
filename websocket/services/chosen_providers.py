"""What the providers of each ``_PROVIDERS`` setting must be able to do, so that a wrong choice shows at the start.

The contracts are those by which the services ask; a test holds that every such setting stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from websocket.errors import SettingsError
from websocket.providers.base import Provider, TickerProvider
from websocket.providers.capabilities import (
    ActivityProvider,
    BlockExplorer,
    BlockTransactions,
    ChainExplorer,
    GasOracle,
    LargeTransfers,
    MempoolTransfers,
    NewsSource,
)
from websocket.services.chain_contracts import ApplicationFeesSource, FeeRateSource, TvlSource
from websocket.services.contracts import ModelHub, MoodIndex, MoodModel, TrendWatcher, VoteCounter
from websocket.settings import Settings, provider_lists


class Needed(NamedTuple):
    """What one setting asks of each provider.

    Attributes:
        contracts: it fulfils all of them.
        chain: it knows that chain; empty where that is not asked.
    """

    contracts: tuple[type, ...]
    chain: str = ""

    def lack_of(self, provider: type[Provider]) -> str | None:
        """What a provider cannot do, or None when it can stand there."""
        for contract in self.contracts:
            if not issubclass(provider, contract):
                return f"is no {contract.__name__}"
        if self.chain and self.chain not in getattr(provider, "chains", ()):
            return f"does not know the chain {self.chain}"
        return None


NEEDED: Mapping[str, Needed] = {
    "TICK_PROVIDERS": Needed((TickerProvider,)),
    "SNAPSHOT_PROVIDERS": Needed((TickerProvider,)),
    "EXPLORER_BITCOIN_PROVIDERS": Needed((ChainExplorer,), "bitcoin"),
    "EXPLORER_TIP_PROVIDERS": Needed((BlockExplorer,)),
    "EXPLORER_ETHEREUM_PROVIDERS": Needed((ChainExplorer,), "ethereum"),
    "EXPLORER_DAY_PROVIDERS": Needed((ChainExplorer,)),
    "EXPLORER_FEE_PROVIDERS": Needed((FeeRateSource,)),
    "ONCHAIN_GAS_PROVIDERS": Needed((GasOracle,)),
    "ONCHAIN_ACTIVITY_PROVIDERS": Needed((ActivityProvider,)),
    "ONCHAIN_DAILY_PROVIDERS": Needed((ActivityProvider,)),
    "ONCHAIN_FEE_PROVIDERS": Needed((ChainExplorer,)),
    "ONCHAIN_BLOCK_PROVIDERS": Needed((BlockExplorer,)),
    "ONCHAIN_TVL_PROVIDERS": Needed((TvlSource, ApplicationFeesSource)),
    "WHALE_BLOCK_PROVIDERS": Needed((BlockExplorer, BlockTransactions)),
    "WHALE_TRANSACTION_PROVIDERS": Needed((BlockTransactions,)),
    "WHALE_MEMPOOL_PROVIDERS": Needed((MempoolTransfers,)),
    "WHALE_TRANSFER_PROVIDERS": Needed((LargeTransfers,)),
    "NEWS_PROVIDERS": Needed((NewsSource,)),
    "SENTIMENT_INDEX_PROVIDERS": Needed((MoodIndex,)),
    "SENTIMENT_VOTE_PROVIDERS": Needed((VoteCounter,)),
    "SENTIMENT_TREND_PROVIDERS": Needed((TrendWatcher,)),
    "SENTIMENT_MODEL_PROVIDERS": Needed((MoodModel,)),
    "HUGGINGFACE_PROVIDERS": Needed((ModelHub,)),
}
"""By the name of the setting."""


def check_chosen_providers(settings: Settings, classes: Mapping[str, type[Provider]]) -> None:
    """Looks at every provider that a setting chooses.

    Args:
        settings: all settings, of which each names known providers only.
        classes: all providers by their name.

    Raises:
        SettingsError: a provider cannot do what the setting chooses it for; says which ones can.
    """
    for setting, chosen in provider_lists(settings).items():
        lacks = {name: NEEDED[setting].lack_of(provider) for name, provider in classes.items()}
        for name in chosen:
            if lacks[name] is not None:
                able = ", ".join(name for name, lack in lacks.items() if lack is None)
                raise SettingsError(
                    setting, f"{name!r} cannot stand here, it {lacks[name]}; expected names out of {able}"
                )
