"""Public JSON-RPC nodes: ``POST /<chain>/<host>``, several hosts for a chain, each with its own pace.

Source: https://github.com/ethereum/execution-apis, https://solana.com/docs/rpc and recorded answers, checked
2026-11. Errors come inside of an HTTP 200. The order of keys, and of the answers to a batch, differs between hosts:
only the ``id`` tells what belongs together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.answers import Answer, PricedRow, Request
from simulator.chains import SOLANA
from simulator.evm_rpc import EvmNode, RpcError
from simulator.nodes import HOSTS, NodeTrouble, pace
from simulator.providers.base import Handler, Provider
from simulator.source_view import SourceView

_MAX_BATCH = 100
_UNHEALTHY_SLOTS = 10
# These put the id first and answer a batch in another order.
_RELAY = "drpc"


class JsonRpc(Provider):
    """All nodes of all chains; a host nobody knows answers too."""

    name = "json_rpc"
    methods = ("POST",)

    def routes(self) -> Mapping[str, Handler]:
        """Gives the simulated paths."""
        return {"/{chain}/{host}": self._node}

    def rate_limited(self) -> Answer:
        """Gives the body of a node that was asked too often."""
        error = {"code": -32005, "message": "rate limit exceeded"}
        return Answer({"jsonrpc": "2.0", "id": None, "error": error}, status=429)

    def _node(self, request: Request, view: SourceView, chain: str, host: str) -> Answer:
        """Answers one call, or an array of them."""
        if chain not in HOSTS:
            return self.error(404, "Not Found")
        answer = Answer(None, latency_s=pace(view.market.seed, host).latency_s)
        try:
            told = json.loads(request.body)
        except ValueError:
            answer.body = _failure(None, RpcError(-32700, "parse error"))
            return answer
        relay = _RELAY in host
        if isinstance(told, list):
            if not 1 <= len(told) <= _MAX_BATCH:
                answer.body = _failure(None, RpcError(-32600, "empty or too large batch"))
                return answer
            replies = [_reply(view, chain, host, call, relay) for call in told]
            answer.body = replies[::-1] if relay else replies
        else:
            replies = [_reply(view, chain, host, told, relay)]
            answer.body = replies[0]
        answer.rows = [
            PricedRow(None, reply, ("result",)) for reply in replies if isinstance(reply.get("result"), (str, int))
        ]
        return answer


def _reply(view: SourceView, chain: str, host: str, call: Any, relay: bool) -> dict[str, Any]:
    """Gives the answer to one call, with its id first or in the middle."""
    if not isinstance(call, dict) or not isinstance(call.get("method"), str):
        return _failure(None, RpcError(-32600, "invalid request"))
    number, params = call.get("id"), call.get("params", [])
    try:
        if not isinstance(params, list):
            raise RpcError(-32602, "non-array args")
        result = _result(view, chain, host, call["method"], params)
    except RpcError as error:
        return _failure(number, error)
    return (
        {"id": number, "jsonrpc": "2.0", "result": result}
        if relay
        else {"jsonrpc": "2.0", "id": number, "result": result}
    )


def _failure(number: Any, error: RpcError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return {"jsonrpc": "2.0", "id": number, "error": told}


def _result(view: SourceView, chain: str, host: str, method: str, params: Sequence[Any]) -> Any:
    trouble = view.node_trouble
    if trouble is not None and not trouble.concerns(chain, host):
        trouble = None
    at = view.as_of - pace(view.market.seed, host).delay_s
    if chain == SOLANA:
        return _solana(view, at, method, trouble)
    evm = view.chains.evm[chain]
    blocks, chain_id, syncing = (
        (0, 0, False) if trouble is None else (trouble.blocks, trouble.chain_id, trouble.syncing)
    )
    node = EvmNode(evm, at, evm.height(at) - blocks, chain_id or evm.spec.chain_id, syncing, view.factor)
    return node.call(method, params)


def _solana(view: SourceView, at: float, method: str, trouble: NodeTrouble | None) -> Any:
    """Gives slot, height or health; a node far behind says by how much."""
    behind = 0 if trouble is None else trouble.blocks
    if method == "getSlot":
        return view.chains.solana.slot(at) - behind
    if method == "getBlockHeight":
        return view.chains.solana.height(at) - behind
    if method == "getVersion":
        return {"feature-set": 3_294_202_862, "solana-core": "3.0.10"}
    if method != "getHealth":
        raise RpcError(-32601, "Method not found")
    if behind > _UNHEALTHY_SLOTS or (trouble is not None and trouble.syncing):
        raise RpcError(-32005, f"Node is behind by {behind} slots", {"numSlotsBehind": behind})
    return "ok"
