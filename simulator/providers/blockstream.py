"""blockstream.info, ``https://blockstream.info/api``: an Esplora explorer of Bitcoin.

Source: https://github.com/Blockstream/esplora/blob/master/API.md, checked 2026-11. It has no hash rate.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.answers import Answer, Request
from simulator.providers.base import Handler
from simulator.providers.esplora import Esplora, plain
from simulator.source_view import SourceView

_TARGETS = (*range(1, 26), 144, 504, 1008)


class Blockstream(Esplora):
    """The keyless explorer of Blockstream."""

    name = "blockstream"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {**self.esplora_routes(), "/api/fee-estimates": self._fees}

    def rate_limited(self) -> Answer:
        """Gives the plain text of a client that asks too often."""
        return plain("Too Many Requests", 429)

    def _fees(self, request: Request, view: SourceView) -> Answer:
        """Answers satoshi per virtual byte by the number of blocks one is ready to wait."""
        stream = view.chains.bitcoin.stream
        rate = stream.fee_rate(stream.arrived_by(view.as_of))
        return Answer({str(target): round(max(rate * 1.8 / target**0.35, 1.0), 3) for target in _TARGETS})
