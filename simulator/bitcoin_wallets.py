"""The addresses of the simulated Bitcoin network: three exchanges, some large holders, many others.

The exchanges' addresses are public ones on which several label tables agree; all others are invented, with valid
checksums.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import xor

from simulator.noise import Draws

LARGE_HOLDERS = 60
OTHERS = 20_000

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What the five bits that leave the checksum do to it.
_STEPS = tuple(
    reduce(xor, (generator for place, generator in enumerate(_GENERATORS) if top >> place & 1), 0) for top in range(32)
)
_HUMAN_PART = "bc"


@dataclass(frozen=True)
class Wallet:
    """An address in the forms in which explorers show it.

    Attributes:
        address: As people write it.
        kind: The type of its script, as Esplora names it.
        script: The script that pays to it, hexadecimal.
        assembly: The same script in words.
        owner: The exchange it belongs to, lower case; empty when unknown.
    """

    address: str
    kind: str
    script: str
    assembly: str
    owner: str = ""


def _pay_to_script_hash(address: str, digest: str, owner: str) -> Wallet:
    return Wallet(address, "p2sh", f"a914{digest}87", f"OP_HASH160 OP_PUSHBYTES_20 {digest} OP_EQUAL", owner)


def _pay_to_key_hash(address: str, digest: str, owner: str) -> Wallet:
    words = f"OP_DUP OP_HASH160 OP_PUSHBYTES_20 {digest} OP_EQUALVERIFY OP_CHECKSIG"
    return Wallet(address, "p2pkh", f"76a914{digest}88ac", words, owner)


EXCHANGES = (
    _pay_to_script_hash("34xp4vRoCGJym3xR7yCVPFHoCNxv4Twseo", "23e522dfc6656a8fda3d47b4fa53f7585ac758cd", "binance"),
    _pay_to_key_hash("1NDyJtNTjmwk5xPNhjgAMu4HDHigtobu1s", "e8cea30989bd15530f819b766684b00dc7ba7cfa", "binance"),
    Wallet(
        "bc1qgdjqv0av3q56jvd82tkdjpy7gdp9ut8tlqmgrpmv24sq90ecnvqqjwvw97",
        "v0_p2wsh",
        "00204364063fac8829a931a752ecd9049e43425e2cebf83681876c556002bf389b00",
        "OP_0 OP_PUSHBYTES_32 4364063fac8829a931a752ecd9049e43425e2cebf83681876c556002bf389b00",
        "bitfinex",
    ),
)

COUNT = len(EXCHANGES) + LARGE_HOLDERS + OTHERS


class BitcoinWallets:
    """The wallets by number: first the exchanges, then the large holders, then all others."""

    def __init__(self, seed: int) -> None:
        """Invents the addresses of this seed."""
        self._draws = Draws(seed, "bitcoin/wallet")
        self.wallet = lru_cache(maxsize=COUNT)(self._invent)

    def _invent(self, number: int) -> Wallet:
        if number < len(EXCHANGES):
            return EXCHANGES[number]
        program = self._draws.hexadecimal(number, 20)
        words = f"OP_0 OP_PUSHBYTES_20 {program}"
        return Wallet(_segwit_address(bytes.fromhex(program)), "v0_p2wpkh", f"0014{program}", words)


def _segwit_address(program: bytes) -> str:
    """Gives the address of a witness program of version 0 (BIP 173)."""
    bits = int.from_bytes(program, "big")
    values = [0, *(bits >> shift & 31 for shift in range(len(program) * 8 - 5, -1, -5))]
    head = [ord(letter) >> 5 for letter in _HUMAN_PART] + [0] + [ord(letter) & 31 for letter in _HUMAN_PART]
    checksum = _polymod([*head, *values, *[0] * 6]) ^ 1
    values += [checksum >> shift & 31 for shift in range(25, -1, -5)]
    return f"{_HUMAN_PART}1{''.join(_BECH32[value] for value in values)}"


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _STEPS[checksum >> 25]
    return checksum
