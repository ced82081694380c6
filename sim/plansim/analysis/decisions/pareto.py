"""Sets of which no point is better than another in every aim, and how much they dominate.

References: M. Laumanns, L. Thiele, K. Deb, E. Zitzler, Combining convergence and diversity in
evolutionary multiobjective optimization, Evolutionary Computation 10 (2002) 263-282 (epsilon
dominance); E. Zitzler, L. Thiele, Multiobjective evolutionary algorithms, IEEE Transactions on
Evolutionary Computation 3 (1999) 257-271 (hypervolume).
"""

from __future__ import annotations

import numpy as np

from plansim.targets.indicator import Floats

__all__ = ["hypervolume", "nondominated", "thinned"]


def nondominated(aims: Floats) -> Floats:
    """Return which points no other dominates: ``(point, aim)``, more is better → ``(point,)``.

    >>> nondominated(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.5], [1.0, 0.0]]))
    array([ True,  True, False,  True])
    """
    better = (aims[:, None] >= aims).all(axis=2) & (aims[:, None] > aims).any(axis=2)
    return np.asarray(~better.any(axis=0))


def thinned(aims: Floats, steps: Floats) -> Floats:
    """Return the rows that remain where points of one box, a step wide, count as one.

    >>> thinned(np.array([[1.0, 0.0], [0.99, 0.01], [0.0, 1.0]]), np.array([0.1, 0.1]))
    array([0, 2])
    """
    boxes = np.floor(aims / steps)
    kept = np.flatnonzero(nondominated(boxes))
    _, groups = np.unique(boxes[kept], axis=0, return_inverse=True)
    corner = ((aims[kept] - boxes[kept] * steps) / steps).sum(axis=1)
    order = np.lexsort((-corner, groups))
    firsts = np.unique(groups[order], return_index=True)[1]
    return np.asarray(np.sort(kept[order[firsts]]))


def hypervolume(aims: Floats, worst: Floats) -> float:
    """Return the volume that points dominate above a reference point: ``(point, aim)``.

    By slicing along the last aim, aim after aim.

    >>> float(hypervolume(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2)))
    3.0
    """
    points = aims[(aims > worst).all(axis=1)]
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(points.max() - worst[0])
    levels = np.unique(points[:, -1])[::-1]
    total, floors = 0.0, np.append(levels[1:], worst[-1])
    for level, floor in zip(levels, floors, strict=True):
        slab = points[points[:, -1] >= level, :-1]
        slab = np.unique(slab[nondominated(slab)], axis=0)
        total += (level - floor) * hypervolume(slab, worst[:-1])
    return total
