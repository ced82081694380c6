"""Random functions: a uniform number, drawn once a step, and what distributions make of it.

The generator computes a number from the run's seed, the function's stream, the number of the step
and the place of the function in the model (`Op.RANDOM`), so that it remembers nothing: results do
not depend on what else is computed, nor on threads. Distributions are had by their quantiles, those
that are truncated by the part of the probabilities within the bounds.

References: Vensim's manual, https://www.vensim.com/documentation/fn_random.html;
J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011): Threefry;
W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969);
M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from plansim.compiler.functions.numbers import SMALL
from plansim.compiler.graph import Graph
from plansim.compiler.ir import Op

__all__ = ["RANDOM", "normal_cdf", "normal_quantile"]


def _uniform(g: Graph, u: int, low: int, high: int) -> int:
    return g.add(low, g.multiply(g.subtract(high, low), u))


def _normal(g: Graph, u: int, low: int, high: int, mean: int, deviation: int) -> int:
    """Return a number of the normal distribution between two bounds."""
    from_, to = (g.divide(g.subtract(bound, mean), deviation) for bound in (low, high))
    # Beyond the mean probabilities are nearly one: there the lower tail is more exact.
    mirrored = g.make(Op.LESS, g.number(0.0), from_)
    start = g.select(mirrored, g.make(Op.NEGATE, to), from_)
    end = g.select(mirrored, g.make(Op.NEGATE, from_), to)
    below, within = normal_cdf(g, start), normal_cdf(g, end)
    found = normal_quantile(g, _uniform(g, u, below, within))
    found = g.select(mirrored, g.make(Op.NEGATE, found), found)
    value = g.add(mean, g.multiply(deviation, found))
    steady = g.make(Op.LESS, g.make(Op.ABSOLUTE, deviation), g.number(SMALL))
    return _between(g, low, high, g.select(steady, mean, value))


def _exponential(g: Graph, u: int, low: int, high: int, shift: int, stretch: int) -> int:
    """Return a number of the exponential distribution: above any bound it is the same one again."""
    start = g.make(Op.MAXIMUM, low, shift)
    left_out = g.make(Op.EXP, g.divide(g.subtract(start, high), stretch))
    share = g.multiply(u, g.subtract(g.number(1.0), left_out))
    value = g.subtract(start, g.multiply(stretch, g.make(Op.LN, g.subtract(g.number(1.0), share))))
    steady = g.make(Op.LESS, g.make(Op.ABSOLUTE, stretch), g.number(SMALL))
    return _between(g, low, high, g.select(steady, start, value))


def _triangular(g: Graph, u: int, low: int, high: int, start: int, peak: int, stop: int) -> int:
    """Return a number of the triangular distribution between two bounds."""
    width = g.subtract(stop, start)
    turn = g.divide(g.subtract(peak, start), width)

    def below(bound: int) -> int:
        at = _between(g, start, stop, bound)
        left, right = g.subtract(at, start), g.subtract(stop, at)
        rising = g.divide(g.multiply(left, left), g.multiply(width, g.subtract(peak, start)))
        falling = g.divide(g.multiply(right, right), g.multiply(width, g.subtract(stop, peak)))
        is_left = g.make(Op.LESS, at, peak)
        return g.select(is_left, rising, g.subtract(g.number(1.0), falling))

    share = _uniform(g, u, below(low), below(high))
    left = g.multiply(g.multiply(share, width), g.subtract(peak, start))
    rest = g.subtract(g.number(1.0), share)
    right = g.multiply(g.multiply(rest, width), g.subtract(stop, peak))
    rising = g.add(start, g.make(Op.SQRT, left))
    falling = g.subtract(stop, g.make(Op.SQRT, right))
    return _between(g, low, high, g.select(g.make(Op.LESS, share, turn), rising, falling))


def _between(g: Graph, low: int, high: int, value: int) -> int:
    return g.make(Op.MINIMUM, high, g.make(Op.MAXIMUM, low, value))


RANDOM: Mapping[str, Callable[..., int]] = {
    "random_0_1": lambda g, u: u,
    "random_exponential": _exponential,
    "random_normal": _normal,
    "random_triangular": _triangular,
    "random_uniform": _uniform,
}
"""Random functions, but for their last argument: graph, a uniform number and the arguments."""


# --- The normal distribution ----------------------------------------------------------------------

_MIDDLE = (
    (18154.981253343561249, 1067.6894854603709582, 161.02823106855587881, 2.2352520354606839287,
     0.065682337918207449113),
    (45507.789335026729956, 10260.932208618978205, 976.09855173777669322, 47.20258190468824187, 1),
)  # fmt: skip
_OUTER = (
    (9842.7148383839780218, 11602.651437647350124, 6848.1904505362823326, 2494.5375852903726711,
     597.27027639480026226, 93.506656132177855979, 8.8831497943883759412, 0.39894151208813466764,
     1.0765576773720192317e-8),
    (19685.429676859990727, 38912.003286093271411, 34900.952721145977266, 18615.571640885098091,
     6485.558298266760755, 1519.377599407554805, 235.38790178262499861, 22.266688044328115691, 1),
)  # fmt: skip
_TURN, _FAR, _FRACTIONS = 0.67448975, math.sqrt(32.0), 12


def normal_cdf(g: Graph, z: int) -> int:
    """Return the probability that a standard normal number is below ``z``, to 1e-13 of itself."""
    size = g.make(Op.ABSOLUTE, z)
    square = g.multiply(size, size)
    half = g.number(0.5)
    middle = g.add(half, g.multiply(z, _quotient(g, _MIDDLE, square)))
    bell = g.make(Op.EXP, g.make(Op.NEGATE, g.multiply(half, square)))
    fraction = size
    for count in range(_FRACTIONS, 0, -1):  # Laplace's continued fraction
        fraction = g.add(size, g.divide(g.number(count), fraction))
    far = g.divide(g.number(1 / math.sqrt(2 * math.pi)), fraction)
    is_far = g.make(Op.LESS, g.number(_FAR), size)
    tail = g.multiply(bell, g.select(is_far, far, _quotient(g, _OUTER, size)))
    below = g.make(Op.LESS, z, g.number(0.0))
    outside = g.select(below, tail, g.subtract(g.number(1.0), tail))
    return g.select(g.make(Op.LESS_EQUAL, size, g.number(_TURN)), middle, outside)


_CENTRE = (
    (3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
     45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727),
    (1, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077,
     21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833,
     7.74545014278341407640e-4),
    (1, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550,
     0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip
_END = (
    (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
     0.296560571828504891230, 0.0265321895265761230930, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15),
)  # fmt: skip


def normal_quantile(g: Graph, p: int) -> int:
    """Return the standard normal number of a probability, to 1e-15 of itself."""
    away = g.subtract(p, g.number(0.5))
    near = g.subtract(g.number(0.180625), g.multiply(away, away))
    centre = g.multiply(away, _quotient(g, _CENTRE, near))
    nearer = g.make(Op.MINIMUM, p, g.subtract(g.number(1.0), p))
    nearer = g.make(Op.MAXIMUM, nearer, g.number(1e-300))
    root = g.make(Op.SQRT, g.make(Op.NEGATE, g.make(Op.LN, nearer)))
    tail = _quotient(g, _TAIL, g.subtract(root, g.number(1.6)))
    end = _quotient(g, _END, g.subtract(root, g.number(5.0)))
    size = g.select(g.make(Op.LESS_EQUAL, root, g.number(5.0)), tail, end)
    below = g.make(Op.LESS, away, g.number(0.0))
    outside = g.select(below, g.make(Op.NEGATE, size), size)
    is_central = g.make(Op.LESS_EQUAL, g.make(Op.ABSOLUTE, away), g.number(0.425))
    return g.select(is_central, centre, outside)


def _quotient(g: Graph, coefficients: tuple[Sequence[float], Sequence[float]], x: int) -> int:
    """Return the quotient of two polynomials, whose coefficients rise with the power."""
    above, below = (_polynomial(g, listed, x) for listed in coefficients)
    return g.divide(above, below)


def _polynomial(g: Graph, coefficients: Sequence[float], x: int) -> int:
    value = g.number(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = g.add(g.multiply(value, x), g.number(coefficient))
    return value
