"""From a probability to a price on a bookmaker's ladder; decimal and fraction say the same exactly."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import exp, factorial

from msgspec import Struct

MARGIN = 1.06
SHORTEST, LONGEST = 101, 100_100

_LADDER = (
    (200, 1), (300, 2), (400, 5), (600, 10), (1000, 20), (2000, 50), (3000, 100), (5000, 200), (10_000, 500), (LONGEST + 1, 1000),
)  # fmt: skip


class Quote(Struct, frozen=True):
    """A price as it is sent: ``decimal`` such as ``1.94`` or ``25.0``, and the fraction that it is."""

    decimal: str
    numerator: int
    denominator: int


@lru_cache(4096)
def _quote(cents: int) -> Quote:
    profit = Fraction(cents - 100, 100)
    whole, rest = divmod(cents, 100)
    decimal = f"{whole}.{rest:02d}"
    return Quote(decimal[:-1] if decimal.endswith("0") else decimal, profit.numerator, profit.denominator)


def quote(probability: float) -> Quote | None:
    """The price of an outcome with the margin on top; ``None`` where it is as good as decided."""
    if probability <= 0.0008:
        return None
    cents = 100 / (probability * MARGIN)
    if cents < SHORTEST:
        return None
    step = next(step for limit, step in _LADDER if cents < limit or limit > LONGEST)
    return _quote(int(min(max(round(cents / step) * step, SHORTEST), LONGEST)))


@lru_cache(2048)
def poisson(rate: float, most: int = 9) -> tuple[float, ...]:
    """Chance of 0, 1 … ``most`` goals; the last takes the rest."""
    head = [exp(-rate) * rate**n / factorial(n) for n in range(most)]
    return (*head, max(0.0, 1 - sum(head)))


def normal_above(line: float, mean: float, deviation: float) -> float:
    """Chance that a normal variable exceeds ``line``."""
    from math import erf, sqrt

    return 0.5 * (1 - erf((line - mean) / (max(deviation, 0.01) * sqrt(2))))
