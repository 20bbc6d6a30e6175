"""Setting samples aside at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def held_out_count(option: str, size: int | float, total: int) -> int:
    """The number of samples that an option such as ``validation: 0.1`` sets aside.

    Args:
        option: the option's name, for the error message.
        size: an int counts samples, a float between 0 and 1 is a fraction of ``total``, rounded.
        total: how many samples there are to choose from.

    Raises:
        ValueError: if no sample would be set aside, or none would be left.
    """
    count = round(size * total) if isinstance(size, float) and 0 < size < 1 else size
    if type(count) is not int or not 1 <= count < total:
        raise ValueError(
            f"{option} is {size!r}, but it must set aside 1 to {total - 1} of {total} samples: "
            f"give their number, such as {max(1, total // 10)}, or a fraction between 0 and 1, such as 0.1"
        )
    return count


def draw_parts(total: int, counts: list[int], rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Divide the indices 0 to ``total`` - 1 at random into disjoint parts.

    Returns:
        For each count that many indices, then all the others; each part in ascending order.
    """
    order = rng.permutation(total)
    return [np.sort(part) for part in np.split(order, np.cumsum(counts))]
