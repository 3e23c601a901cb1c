"""Etherscan V2, ``https://api.etherscan.io/v2``: one address for many chains, with a key.

Source: https://docs.etherscan.io, checked 2026-11. Failures come with HTTP 200 as ``{"status": "0", "message":
"NOTOK", "result": "..."}``; ``module=proxy`` answers raw JSON-RPC. Any key is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.evm_rpc import EvmNode, RpcError
from simulator.evm_specs import GWEI
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

_PAID_CHAINS = frozenset(("56", "10", "8453"))
_RATIO_BLOCKS = 5
_PROXY = {
    "eth_blockNumber": (),
    "eth_gasPrice": (),
    "eth_getBlockByNumber": ("tag", "boolean"),
}
"""The calls that are passed on, with the names of their parameters."""


class Etherscan(Provider):
    """The interface of a free plan."""

    name = "etherscan"

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/v2/api": self._api, "/api": self._old_api}

    def rate_limited(self) -> Answer:
        """Gives the refusal, which comes with HTTP 200 like all of them."""
        return _refusal("Max rate limit reached, please use API Key for higher rate limit")

    def _old_api(self, request: Request, view: SourceView) -> Answer:
        return _refusal("You are using a deprecated V1 endpoint, switch to Etherscan API V2.")

    def _api(self, request: Request, view: SourceView) -> Answer:
        query = request.query
        by_id = {str(chain.spec.chain_id): chain for chain in view.chains.evm.values()}
        chain_id = query.get("chainid", "")
        if not query.get("apikey"):
            return _refusal("Missing/Invalid API Key")
        if chain_id not in by_id:
            return _refusal("Missing or unsupported chainid parameter (required for v2 api)")
        if chain_id in _PAID_CHAINS:
            return _refusal(
                "Free API access is not supported for this chain. Please upgrade your api plan for full chain "
                "coverage. https://etherscan.io/apis"
            )
        chain = by_id[chain_id]
        node = EvmNode(chain, view.as_of, chain.height(view.as_of), chain.spec.chain_id, factor=view.factor)
        module, action = query.get("module"), query.get("action", "")
        if module == "proxy" and action in _PROXY:
            return _proxied(node, action, query)
        if (module, action) == ("gastracker", "gasoracle"):
            return _gas_oracle(node)
        return _refusal("Missing Or invalid Action name")


def _refusal(text: str) -> Answer:
    return Answer({"status": "0", "message": "NOTOK", "result": text})


def _proxied(node: EvmNode, action: str, query: Mapping[str, str]) -> Answer:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1}
    params = [query.get(name, "") for name in _PROXY[action]]
    try:
        body["result"] = node.call(
            action, [param == "true" if param in ("true", "false") else param for param in params]
        )
    except RpcError as error:
        body["error"] = {"code": error.code, "message": error.message}
        return Answer(body)
    return Answer(body, rows=[PricedRow(None, body, ("result",))] if isinstance(body["result"], str) else [])


def _gas_oracle(node: EvmNode) -> Answer:
    """Gives prices of gas in gwei, as text, and how full the last five blocks were."""
    chain = node.chain
    base = chain.base_fee(node.height + 1) * node.factor

    def gwei(tips: float) -> str:
        return f"{(base + chain.spec.tip_wei * tips) / GWEI:.9f}".rstrip("0")

    ratios = [chain.gas_used_ratio(node.height - ago) for ago in range(_RATIO_BLOCKS - 1, -1, -1)]
    result = {
        "LastBlock": str(node.height),
        "SafeGasPrice": gwei(0.01),
        "ProposeGasPrice": gwei(0.5),
        "FastGasPrice": gwei(2.0),
        "suggestBaseFee": gwei(0.0),
        "gasUsedRatio": ",".join(f"{ratio:.15g}" for ratio in ratios),
    }
    prices = ("SafeGasPrice", "ProposeGasPrice", "FastGasPrice", "suggestBaseFee")
    return Answer({"status": "1", "message": "OK", "result": result}, rows=[PricedRow(None, result, prices)])
