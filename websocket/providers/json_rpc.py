"""JSON-RPC nodes: one provider per host, so that each has a budget, a circuit and statistics of its own.

Documentation: https://ethereum.org/developers/docs/apis/json-rpc/ and https://solana.com/docs/rpc/http, checked
2026-11-21. ``nodes()`` makes the providers from the settings; the registry of providers does not know them.

Quirks:
    - Errors come with HTTP 200, as ``{"jsonrpc": "2.0", "id": 3, "error": {"code": -32000, "message": "..."}}``.
    - The order of keys differs, and some hosts add keys; an answer belongs to a request by its ``id``.
    - Many public hosts limit or refuse lists of calls, so each call is a request of its own.
    - Numbers of Ethereum and its kin are hexadecimal strings, amounts are wei.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from websocket.chain_records import BlockInfo, ChainBlock, ChainStats, ContractEvents, GasFees, NodeProbe, Transfer
from websocket.errors import AccessRefused, BadPayload, RateLimited, UpstreamError, UpstreamStatus
from websocket.providers.base import Answer, Budget, Request, parse_count, parse_hash, parse_hex
from websocket.providers.capabilities import ChainExplorer, ChainNode, GasOracle
from websocket.providers.evm_answers import (
    EVENT_TOPICS,
    NATIVE_ASSETS,
    TOKENS,
    TRANSFER_TOPIC,
    read_block,
    read_contract_events,
    read_fee_history,
    read_token_transfers,
)
from websocket.settings import NodeSettings, ProviderSettings, Url

CHAIN_IDS: Mapping[str, int] = {
    "ethereum": 1,
    "bnb": 56,
    "polygon": 137,
    "arbitrum": 42161,
    "optimism": 10,
    "base": 8453,
}
"""EIP-155 numbers, by which a node that serves another chain is found out."""

METHOD_NOT_FOUND = -32601
NODE_BEHIND = -32005
"""On Solana only; elsewhere it means too many requests."""

RATE_LIMIT_CODES = frozenset({-32005, -32029, 429})
DEAD_CODES = frozenset({-32046, -32051})
"""Cannot fulfil request; tenant disabled: the ends of two hosts that once were public."""

RATE_LIMIT_WORDS = ("rate limit", "too many requests", "quota", "compute units")
DEAD_WORDS = ("discontinued", "tenant disabled", "api key", "must authenticate", "unauthorized")

FEE_HISTORY_BLOCKS = 20
FEE_PERCENTILES = (10, 50, 90)
"""Of the tips in a block: enough for some day, for one of the next blocks, for the next block."""


class JsonRpcNode(ChainNode):
    """One host, whatever it runs.

    Args:
        name: registry name of the host, such as ``ethereum:eth.drpc.org``.
        chain: what it should serve.
        host: for people.
        settings: its address, which may hold a key and is never shown.
    """

    def __init__(self, name: str, chain: str, host: str, settings: ProviderSettings) -> None:
        super().__init__(settings)
        self.name = name
        self.title = host
        self.chain = chain
        self.host = host
        self._ids = itertools.count(1)

    @property
    def budget(self) -> Budget:
        """Public hosts publish no number; a request a second is our own measure, a block takes 12 s on Ethereum.

        Solana's public host allows 40 requests of a kind in 10 s, as its headers say.
        """
        return Budget(per_minute=60, min_interval_s=12)

    def error_in(self, request: Request, status: int, payload: Any) -> UpstreamError | None:
        """The error object of an answer with any status, by its code and then by its words."""
        error = payload.get("error") if isinstance(payload, dict) else None
        if not isinstance(error, dict) or self._is_answer(request, error):
            return None
        code, message = error.get("code"), error.get("message")
        said = message if isinstance(message, str) else ""
        lower = said.lower()
        reason = f"error {code if isinstance(code, int) else 'without code'}: {said[:100]!r}"
        limited = isinstance(code, int) and code in RATE_LIMIT_CODES and code != self._not_a_limit
        if limited or any(words in lower for words in RATE_LIMIT_WORDS):
            return RateLimited(self.name, request.operation, reason)
        if (isinstance(code, int) and code in DEAD_CODES) or any(words in lower for words in DEAD_WORDS):
            return AccessRefused(self.name, request.operation, reason, status if status >= 400 else 403)
        if status >= 400:
            return UpstreamStatus(self.name, request.operation, reason, status)
        if code == METHOD_NOT_FOUND:
            return UpstreamStatus(self.name, request.operation, f"does not offer {request.operation}", 501)
        return UpstreamStatus(self.name, request.operation, reason, 502)

    _not_a_limit: int | None = None
    """A code of ``RATE_LIMIT_CODES`` that means something else here."""

    @abstractmethod
    def _is_answer(self, request: Request, error: Mapping[str, Any]) -> bool:
        """Whether this error is an answer that the parser reads, and no failure of the node."""

    def _call(self, method: str, *params: Any) -> Request:
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        return Request(operation=method, path="", body=body)

    def _checked(self, answer: Answer) -> dict[str, Any]:
        """The whole answer, which is the one to its request and has a result or an error."""
        payload, body = answer.payload, answer.request.body
        if not isinstance(payload, dict) or not ("result" in payload or isinstance(payload.get("error"), dict)):
            raise self.bad_payload(answer, "an object with a result")
        expected = body.get("id") if isinstance(body, dict) else None
        if type(payload.get("id")) is not type(expected) or payload["id"] != expected:
            raise self.bad_payload(answer, "the answer to this request, not to another one")
        return payload

    def _result(self, answer: Answer) -> Any:
        payload = self._checked(answer)
        if "result" not in payload:
            raise self.bad_payload(answer, "an object with a result")
        return payload["result"]

    def _count(self, answer: Answer) -> int | None:
        """A number in either dialect."""
        result = self._result(answer)
        return parse_count(parse_hex(result) if isinstance(result, str) else result)


class EvmNode(JsonRpcNode, ChainExplorer, GasOracle):
    """A node of Ethereum or of a chain of its kind: height, blocks with their transfers, tokens, gas."""

    docs = "https://ethereum.org/developers/docs/apis/json-rpc/"

    def __init__(self, name: str, chain: str, host: str, settings: ProviderSettings) -> None:
        super().__init__(name, chain, host, settings)
        self.chains = (chain,)
        self.gas_chain = chain

    def _is_answer(self, request: Request, error: Mapping[str, Any]) -> bool:
        """Hosts that do not offer ``eth_syncing`` are well all the same."""
        return request.operation == "eth_syncing" and error.get("code") == METHOD_NOT_FOUND

    def probe_requests(self) -> Sequence[Request]:
        """Height, chain and whether it is catching up."""
        return [*self.height_requests(), self._call("eth_chainId"), self._call("eth_syncing")]

    def height_requests(self) -> Sequence[Request]:
        """The height alone."""
        return [self._call("eth_blockNumber")]

    def parse_probe(self, answers: Sequence[Answer]) -> NodeProbe:
        """Reads ``"0x129f091"`` (height), ``"0x1"`` (chain), and ``false`` or ``{"currentBlock": "0x..", ...}``.

        Raises:
            BadPayload: an answer is none, or not the one to its request; or a number is not one.
        """
        height = chain_id = behind = None
        syncing: bool | None = None
        for answer in answers:
            if answer.request.operation == "eth_syncing":
                result = self._checked(answer).get("result")
                syncing = result is not False if isinstance(result, (bool, dict)) else None
                behind = _distance(result) if isinstance(result, dict) else None
                continue
            number = self._count(answer)
            if number is None:
                raise self.bad_payload(answer, "a hexadecimal number")
            if answer.request.operation == "eth_chainId":
                chain_id = number
            else:
                height = number
        return NodeProbe(
            node=self.name,
            chain=self.chain,
            host=self.host,
            as_of=max(answer.received_at for answer in answers),
            height=height,
            chain_id=chain_id,
            right_chain=None if chain_id is None else chain_id == CHAIN_IDS.get(self.chain),
            syncing=syncing,
            behind=behind,
        )

    def block_requests(self, height: int | None = None, *, full: bool = True) -> Sequence[Request]:
        """One block.

        Args:
            height: which; None for the newest.
            full: with its transactions, which may be 1 MB.
        """
        return [self._call("eth_getBlockByNumber", "latest" if height is None else hex(height), full)]

    def parse_block(self, answers: Sequence[Answer]) -> ChainBlock | None:
        """Reads ``{"number": "0x151b03b", "hash": "0x35..", "timestamp": "0x67e3e34b", "transactions": [...], ...}``.

        In each transaction: ``hash``, ``from``, ``to`` (null where a contract is made), ``value`` in wei.

        Returns:
            None when the node does not have the block (yet).

        Raises:
            BadPayload: the result is neither a block nor null.
        """
        answer = answers[-1]
        result = self._result(answer)
        if result is None:
            return None
        block = read_block(result, chain=self.chain, source=self.name, asset=NATIVE_ASSETS.get(self.chain, "ETH"))
        if block is None:
            raise self.bad_payload(answer, "a block")
        return block

    def token_transfers_requests(self, block: BlockInfo) -> Sequence[Request]:
        """What moved of the known tokens in one block; none where the block's hash or tokens are not known."""
        hash = parse_hash(block.hash)
        return self._token_logs({"blockHash": hash}) if hash else []

    def parse_token_transfers(self, answers: Sequence[Answer]) -> list[Transfer]:
        """Reads ``[{"address": "0xda..", "topics": [...], "data": "0x..", "transactionHash": "0x..", ...}, ...]``.

        ``topics`` are the event, the sender and the receiver. Events that a reorganisation removed are left out, and so
        is everything that moved nothing.

        Raises:
            BadPayload: a result is not a list.
        """
        transfers: list[Transfer] = []
        for answer in answers:
            result = self._result(answer)
            if not isinstance(result, list):
                raise self.bad_payload(answer, "a list of events")
            transfers += read_token_transfers(result, chain=self.chain, source=self.name)
        return transfers

    def contract_events_requests(self, blocks: range) -> Sequence[Request]:
        """The last of some blocks, for its time, and what the contracts of the known tokens wrote in all of them.

        Hosts allow ranges of 1,000 blocks, some of them fewer. None on chains whose tokens are not known.
        """
        where = {"fromBlock": hex(blocks[0]), "toBlock": hex(blocks[-1])}
        logs = self._token_logs(where, topics=[list(EVENT_TOPICS)])
        return [*self.block_requests(blocks[-1], full=False), *logs] if logs else []

    def parse_contract_events(self, blocks: range, answers: Sequence[Answer]) -> ContractEvents:
        """Reads the block, and the list that ``parse_token_transfers`` reads too, but stricter.

        Raises:
            BadPayload: it does not have the block; or a single event cannot be, is of another contract or block, was
                removed by a reorganisation, or comes twice.
        """
        block = self.parse_block(answers[:1])
        if block is None or block.info.height != blocks[-1] or block.info.time is None:
            raise self.bad_payload(answers[0], f"block {blocks[-1]} with its time")
        logs = answers[-1]
        result = None if len(answers) < 2 else self._result(logs)
        if not isinstance(result, list):
            raise self.bad_payload(logs, "a list of events")
        try:
            events = read_contract_events(result, block.info, blocks=blocks)
        except ValueError as error:
            raise BadPayload(self.name, logs.request.operation, str(error)) from error
        return ContractEvents(events=tuple(events), as_of=block.info.time)

    def gas_requests(self) -> Sequence[Request]:
        """Base fees and tips of the last 20 blocks."""
        return [self._call("eth_feeHistory", hex(FEE_HISTORY_BLOCKS), "latest", list(FEE_PERCENTILES))]

    def parse_gas(self, answers: Sequence[Answer]) -> GasFees:
        """Reads ``{"oldestBlock": "0x1b", "baseFeePerGas": [...], "gasUsedRatio": [...], "reward": [[...], ...]}``.

        The last base fee is that of the next block. Of the tips, the middle of the blocks counts.

        Raises:
            BadPayload: the result is not an object with base fees.
        """
        answer = answers[-1]
        gas = read_fee_history(self._result(answer), chain=self.chain, source=self.name, received_at=answer.received_at)
        if gas is None:
            raise self.bad_payload(answer, "an object with base fees")
        return gas

    def stats_requests(self, chain: str) -> Sequence[Request]:
        """The newest block, without its transactions."""
        return self.block_requests(full=False) if chain == self.chain else []

    def parse_stats(self, answers: Sequence[Answer]) -> ChainStats:
        """As ``parse_block``.

        Raises:
            BadPayload: the result is not a block.
        """
        block = self.parse_block(answers)
        if block is None:
            raise self.bad_payload(answers[-1], "a block")
        return ChainStats(chain=self.chain, source=self.name, as_of=answers[-1].received_at, latest_block=block.info)

    def _token_logs(self, where: dict[str, Any], topics: Sequence[Any] = (TRANSFER_TOPIC,)) -> Sequence[Request]:
        tokens = TOKENS.get(self.chain)
        if not tokens:
            return []
        return [self._call("eth_getLogs", {"address": list(tokens), "topics": list(topics), **where})]


class SolanaNode(JsonRpcNode):
    """A node of Solana: health, slot and height."""

    docs = "https://solana.com/docs/rpc/http"
    _not_a_limit = NODE_BEHIND

    def _is_answer(self, request: Request, error: Mapping[str, Any]) -> bool:
        """``getHealth`` says by an error that the node is behind."""
        return request.operation == "getHealth" and error.get("code") == NODE_BEHIND

    def probe_requests(self) -> Sequence[Request]:
        """Height, slot and health."""
        return [*self.height_requests(), self._call("getSlot"), self._call("getHealth")]

    def height_requests(self) -> Sequence[Request]:
        """The height alone."""
        return [self._call("getBlockHeight")]

    def parse_probe(self, answers: Sequence[Answer]) -> NodeProbe:
        """Reads whole numbers (height, slot), and ``"ok"`` or an error whose ``data.numSlotsBehind`` says how far.

        Raises:
            BadPayload: an answer is none, or not the one to its request; or a number is not one.
        """
        height = slot = behind = None
        syncing: bool | None = None
        for answer in answers:
            if answer.request.operation == "getHealth":
                payload = self._checked(answer)
                syncing = payload.get("result") != "ok"
                error = payload.get("error")
                facts = error.get("data") if isinstance(error, dict) else None
                behind = parse_count(facts.get("numSlotsBehind")) if isinstance(facts, dict) else None
                continue
            number = self._count(answer)
            if number is None:
                raise self.bad_payload(answer, "a whole number")
            if answer.request.operation == "getSlot":
                slot = number
            else:
                height = number
        return NodeProbe(
            node=self.name,
            chain=self.chain,
            host=self.host,
            as_of=max(answer.received_at for answer in answers),
            height=height,
            slot=slot,
            syncing=syncing,
            behind=behind,
        )


def nodes(settings: NodeSettings, *, named_after: NodeSettings | None = None) -> dict[str, EvmNode | SolanaNode]:
    """All configured nodes by their name, chain by chain, best first.

    Args:
        settings: the addresses.
        named_after: settings of the same shape whose hosts give the names, where those of ``settings`` all lead to one
            stand-in.

    Returns:
        Names like ``ethereum:eth.drpc.org``. Further addresses of the same host get ``#2`` and so on: paths may hold
        keys, so they are not part of a name.
    """
    found: dict[str, EvmNode | SolanaNode] = {}
    for field in fields(settings):
        chain = field.name
        addresses: tuple[Url, ...] = getattr(settings, chain)
        originals: tuple[Url, ...] = getattr(named_after or settings, chain)
        for position, address in enumerate(addresses):
            original = originals[position] if position < len(originals) else address
            host = urlsplit(original).hostname or chain
            name = plain = f"{chain}:{host}"
            for number in itertools.count(2):
                if name not in found:
                    break
                name = f"{plain}#{number}"
            kind = SolanaNode if chain == "solana" else EvmNode
            found[name] = kind(name, chain, host, ProviderSettings(url=address))
    return found


def _distance(syncing: Mapping[str, Any]) -> int | None:
    current, highest = (parse_count(parse_hex(syncing.get(key))) for key in ("currentBlock", "highestBlock"))
    return max(0, highest - current) if current is not None and highest is not None else None
