"""Numbers, smooth noise and identifiers drawn by hashing: the same for one seed, whatever was asked before."""

from __future__ import annotations

import hashlib
import math
import struct
from functools import lru_cache

_MASK = (1 << 64) - 1
_IDENTIFIER_BYTES = 32
_NUMBER_BYTES = 8


@lru_cache(maxsize=65_536)
def node(key: int, index: int) -> float:
    """Gives the noise at a whole index, from -1 to 1 (the splitmix64 generator, used as a hash)."""
    mixed = (key + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (mixed ^ (mixed >> 31)) / (1 << 63) - 1.0


def noise(key: int, position: float) -> float:
    """Gives smooth noise from -1 to 1 which passes through the nodes at whole positions."""
    index = math.floor(position)
    fraction = position - index
    left = node(key, index)
    return left + (node(key, index + 1) - left) * smooth(fraction)


def smooth(fraction: float) -> float:
    """Gives 0 below 0, 1 above 1, and an S-shaped passage between."""
    bounded = min(max(fraction, 0.0), 1.0)
    return bounded * bounded * (3.0 - 2.0 * bounded)


def noise_key(seed: int, name: str) -> int:
    """Gives the key under which a name has its own noise."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")


class Draws:
    """What one name draws for each whole number. Safe to share between threads."""

    def __init__(self, seed: int, name: str) -> None:
        """Draws of different seeds or names have nothing to do with each other."""
        self._state = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=_IDENTIFIER_BYTES)

    def words(self, number: int) -> tuple[int, int, int, int]:
        """Gives four numbers from 0 to 2^64 - 1."""
        first, second, third, fourth = struct.unpack(">4Q", self._digest(number))
        return first, second, third, fourth

    def unit(self, number: int) -> float:
        """Gives a number from 0 to 1, 1 left out."""
        return unit(self.words(number)[0])

    def hexadecimal(self, number: int, size_bytes: int = 32) -> str:
        """Gives hexadecimal digits, two for each byte, at most 64."""
        return self._digest(number)[:size_bytes].hex()

    def identifier(self, number: int, zero_bytes: int = 0) -> str:
        """Gives 64 hexadecimal digits from which ``number_of`` finds the number again.

        So a transaction can be asked for by its hash although nothing is stored.

        Args:
            number: From 0 to 2^64 - 1.
            zero_bytes: How many bytes at the beginning are zero, as in hashes of Bitcoin's blocks.
        """
        head = self._digest(number)[: _IDENTIFIER_BYTES - _NUMBER_BYTES - zero_bytes]
        return (bytes(zero_bytes) + head + (number ^ self._mask(head)).to_bytes(_NUMBER_BYTES, "big")).hex()

    def number_of(self, identifier: str, zero_bytes: int = 0) -> int | None:
        """Gives the number behind an identifier in lower case; ``None`` when it is none of these."""
        try:
            raw = bytes.fromhex(identifier)
        except ValueError:
            return None
        if len(raw) != _IDENTIFIER_BYTES:
            return None
        head, tail = raw[zero_bytes:-_NUMBER_BYTES], raw[-_NUMBER_BYTES:]
        number = int.from_bytes(tail, "big") ^ self._mask(head)
        return number if self.identifier(number, zero_bytes) == identifier else None

    def _digest(self, number: int) -> bytes:
        state = self._state.copy()
        state.update(number.to_bytes(_NUMBER_BYTES, "big", signed=number < 0))
        return state.digest()

    def _mask(self, head: bytes) -> int:
        state = self._state.copy()
        state.update(head)
        return int.from_bytes(state.digest()[:_NUMBER_BYTES], "big")


def unit(word: int, bits: int = 64) -> float:
    """Gives the lowest bits of a drawn number as a number from 0 to 1."""
    return (word & ((1 << bits) - 1)) / (1 << bits)
