"""Damaged versions of good inputs: flips, cuts, insertions, splices and lying numbers; the same for the same seed."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NASTY_TEXT = (
    b"nan",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b'"',
    b"\x00",
    b"[" * 500,
    b"../../../../etc/passwd",
    b"{}",
)
_NASTY_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


def mutate(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """One damaged version of `data`, with one to six injuries."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(damaged) + 1)
        match chance.randrange(8):
            case 0:  # A flipped bit.
                if at < len(damaged):
                    damaged[at] ^= 1 << chance.randrange(8)
            case 1:  # A cut.
                del damaged[at:]
            case 2:  # A hole.
                del damaged[at : at + chance.choice((1, 4, 16, 256))]
            case 3:  # Noise.
                damaged[at : at + 8] = chance.randbytes(chance.choice((1, 4, 8, 64)))
            case 4:  # A lying binary number.
                number = chance.choice(_NASTY_NUMBERS)
                size, code = chance.choice(((4, "I"), (8, "Q")))
                packed = struct.pack(chance.choice("<>") + code, number & (2 ** (8 * size) - 1))
                damaged[at : at + size] = packed
            case 5:  # A lying word.
                damaged[at : at + chance.choice((0, 1, 4))] = chance.choice(_NASTY_TEXT)
            case 6:  # A part twice.
                part = damaged[at : at + chance.choice((4, 64, 1024))]
                damaged[at:at] = part * chance.choice((1, 2, 20))
            case _:  # A part of another input.
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                damaged[at:] = other[start : start + 4096]
    return bytes(damaged)


def mutations(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged inputs; the good ones and plain noise are among them."""
    yield from list(seeds)[:count]
    chance = random.Random(seed)
    for _ in range(max(count - len(seeds), 0)):
        if chance.random() < 0.02:
            yield chance.randbytes(chance.randrange(2000))
        else:
            yield mutate(chance.choice(seeds), chance, seeds)
