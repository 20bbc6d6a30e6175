"""Batches of samples, epoch after epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from npnn_cli.aligned import aligned_empty
from npnn_cli.data.preprocessing import Standardize


class DataLoader:
    """Goes through samples in batches ``(X, y)`` of NumPy arrays; each ``iter(loader)`` is the next epoch.

    The order of an epoch's samples follows from ``seed`` and the epoch's number alone, so that a resumed run sees the
    samples that an uninterrupted one would have seen.

    A scaled input takes ``dtype``, or without one its own floating dtype (float32 where it has none, as images). An
    unscaled one is cast to ``dtype`` only if it is floating: integers stay what they are. Targets are treated alike.

    Changing a batch never changes the data: a batch is an array of its own, except that an unshuffled batch which needs
    no scaling or casting is a read-only view, as this costs nothing. With ``reuse_batches``, each batch is written over
    the one before, which takes no new memory: for those who are done with a batch when they ask for the next.

    A batch is made when it is asked for. To make the next one in a thread while the current one trains was tried: it
    saved 3 % of a step at most, for NumPy's short operations keep one another waiting.

    Args:
        inputs: (N, ...).
        targets: (N, ...); integers are class indices.
        batch_size: samples in a batch; the last one of an epoch may be smaller.
        shuffle: whether every epoch has a random order of its own.
        drop_last: whether to leave out a last batch that is smaller.
        seed: of the order.
        input_scaling: applied to each batch of inputs.
        target_scaling: applied to each batch of floating targets.
        dtype: a floating dtype for the batches.
        reuse_batches: whether a batch stays valid only until the next one is taken.

    Raises:
        ValueError: if the lengths differ, there are no samples or no batches, a value is no number, class indices are
            to be scaled, or ``batch_size`` or ``seed`` is out of range.
    """

    def __init__(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        *,
        seed: int = 0,
        input_scaling: Standardize | None = None,
        target_scaling: Standardize | None = None,
        dtype: DTypeLike | None = None,
        reuse_batches: bool = False,
    ) -> None:
        self.inputs = _samples("inputs", inputs)
        self.targets = _samples("targets", targets)
        samples = len(self.inputs)
        if samples != len(self.targets):
            raise ValueError(f"there are {samples} inputs but {len(self.targets)} targets; each input needs its target")
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}, but a batch needs at least one sample")
        if drop_last and batch_size > samples:
            raise ValueError(f"drop_last leaves no batch: there are {samples} samples, batch_size is {batch_size}")
        if seed < 0:
            raise ValueError(f"seed is {seed}, but it must not be negative")
        if target_scaling is not None and not _is_floating(self.targets):
            raise ValueError(f"targets of dtype {self.targets.dtype} are class indices, which are not scaled")
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.seed = seed
        self.input_scaling = input_scaling
        self.target_scaling = target_scaling
        self.reuse_batches = reuse_batches
        self._input_dtype = _batch_dtype(self.inputs, input_scaling, dtype)
        self._target_dtype = _batch_dtype(self.targets, target_scaling, dtype)
        self._next_epoch = 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.inputs), self.batch_size)
        return whole if self.drop_last or rest == 0 else whole + 1

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) that the next ``iter(loader)`` starts.

        Raises:
            ValueError: if ``epoch`` is negative.
        """
        if epoch < 0:
            raise ValueError(f"epoch is {epoch}, but epochs count from 0")
        self._next_epoch = epoch

    def __iter__(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Start the next epoch."""
        epoch = self._next_epoch
        self._next_epoch += 1
        return self._batches(epoch)

    def _batches(self, epoch: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.inputs)) if self.shuffle else None
        inputs = _Part(self.inputs, self.input_scaling, self._input_dtype)
        targets = _Part(self.targets, self.target_scaling, self._target_dtype)
        if self.reuse_batches:
            inputs.make_room(self.batch_size)
            targets.make_room(self.batch_size)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            batch = slice(start, start + self.batch_size)
            chosen = batch if order is None else order[batch]
            yield inputs.batch(chosen), targets.batch(chosen)


class _Part:
    """The inputs of all samples, or their targets, and how a batch is made of them.

    Args:
        samples: (N, ...).
        scaling: of a batch, if any.
        dtype: of a batch.
    """

    def __init__(self, samples: NDArray[Any], scaling: Standardize | None, dtype: np.dtype[Any]) -> None:
        self._samples, self._scaling, self._dtype = samples, scaling, dtype
        self._gathered: NDArray[Any] | None = None
        self._scaled: NDArray[Any] | None = None

    def make_room(self, batch_size: int) -> None:
        """From now on write every batch to the same place."""
        shape = (batch_size, *self._samples.shape[1:])
        self._gathered = np.empty(shape, self._samples.dtype)
        self._scaled = None if self._scaling is None else aligned_empty(shape, self._dtype)

    def batch(self, chosen: slice | NDArray[np.intp]) -> NDArray[Any]:
        """Gather the chosen samples, scale and cast them."""
        if isinstance(chosen, slice):
            gathered = self._samples[chosen]
            gathered.flags.writeable = False
        else:
            out = None if self._gathered is None else self._gathered[: len(chosen)]
            # No index is out of range; any mode but the default writes to ``out`` without a copy in between.
            gathered = self._samples.take(chosen, axis=0, out=out, mode="clip")
        if self._scaling is None:
            return gathered.astype(self._dtype, copy=False)
        return self._scaling(gathered, self._dtype, None if self._scaled is None else self._scaled[: len(gathered)])


def _samples(name: str, values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of numbers whose first axis counts the samples, not {values!r:.60}")
    if len(array) == 0:
        raise ValueError(f"{name} are empty: there is nothing to go through")
    return np.ascontiguousarray(array)  # take() would copy all of a strided array for every batch


def _is_floating(array: NDArray[Any]) -> bool:
    return np.issubdtype(array.dtype, np.floating)


def _batch_dtype(samples: NDArray[Any], scaling: Standardize | None, dtype: DTypeLike | None) -> np.dtype[Any]:
    """The dtype of the batches that are made of these samples."""
    if _is_floating(samples):
        return samples.dtype if dtype is None else np.dtype(dtype)
    if scaling is None:
        return samples.dtype
    return np.dtype(np.float32 if dtype is None else dtype)
