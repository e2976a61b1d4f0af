"""Who belongs to whom: pairs of rows and columns that are worth most together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_pairs(worth: NDArray[np.floating]) -> list[tuple[int, int]]:
    """The one-to-one pairs with the largest sum (the Hungarian method, O(n^3), exact).

    Args:
        worth: Shape (rows, columns), 0 or more; a pair of worth 0 is never made.

    Returns:
        Pairs of row and column, in the order of rows.
    """
    rows, columns = worth.shape
    if rows > columns:
        return sorted((row, column) for column, row in best_pairs(worth.T))
    if rows == 0:
        return []
    # shortest augmenting paths with potentials; row and column 0 are the start of a path
    cost = np.zeros((rows + 1, columns + 1))
    cost[1:, 1:] = -worth
    of_rows, of_columns = np.zeros(rows + 1), np.zeros(columns + 1)
    row_of = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        least = np.full(columns + 1, np.inf)
        before = np.zeros(columns + 1, np.int64)
        reached = np.zeros(columns + 1, bool)
        while row_of[column]:
            reached[column] = True
            here = row_of[column]
            reduced = cost[here] - of_rows[here] - of_columns
            shorter = ~reached & (reduced < least)
            least[shorter], before[shorter] = reduced[shorter], column
            following = int(np.where(reached, np.inf, least)[1:].argmin()) + 1
            step = least[following]
            of_rows[row_of[reached]] += step
            of_columns[reached] -= step
            least[~reached] -= step
            column = following
        while column:
            row_of[column] = row_of[before[column]]
            column = int(before[column])
    pairs = sorted((int(row_of[c]) - 1, c - 1) for c in range(1, columns + 1) if row_of[c])
    return [(row, column) for row, column in pairs if worth[row, column] > 0]
