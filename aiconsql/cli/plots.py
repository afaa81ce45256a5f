"""Small plots and outlines in one line of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.tree import Tree

from .output import cell, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BARS = " ▁▂▃▄▅▆▇█"
_SHOWN = 40  # characters of a plain value in an outline
_CHILDREN = 30  # of one node in an outline


def bars(heights: Sequence[float]) -> str:
    """One bar for each height: empty for 0, full for the highest."""
    top = max(heights, default=0)
    if top <= 0:
        return ""
    return "".join(_BARS[math.ceil(height / top * (len(_BARS) - 1))] for height in heights)


def plot(samples: NDArray[Any] | None, bins: int = 16) -> str:
    """A histogram of samples, shape (n,); of shape (n, k) the mean of each column. Empty for what has no order."""
    import numpy as np

    if samples is None or samples.dtype.kind not in "biuf" or not samples.size or samples.ndim not in {1, 2}:
        return ""
    if samples.ndim == 2:
        return bars([max(value, 0.0) for value in np.nan_to_num(samples.mean(axis=0))[:bins].tolist()])
    values = samples.astype(np.float64)
    finite = values[np.isfinite(values)]
    return bars(np.histogram(finite, bins=bins)[0].tolist()) if finite.size else ""


def shape_of(value: NDArray[Any]) -> str:
    """An array's type and shape, such as ``float64 (300, 300)``."""
    return f"{value.dtype} {value.shape}"


def outline(name: str, value: Any) -> Tree:
    """The shape of a nested object, as a tree."""
    tree = Tree(printable(name))
    _grow(tree, value)
    return tree


def _grow(tree: Tree, value: Any) -> None:
    children = list(_children(value))
    for label, child in children[:_CHILDREN]:
        if isinstance(child, Mapping) or (isinstance(child, list | tuple) and any(_is_deep(item) for item in child)):
            _grow(tree.add(printable(label)), child)
        else:
            tree.add(printable(f"{label}: {_short(child)}"))
    if len(children) > _CHILDREN:
        tree.add(f"… {len(children) - _CHILDREN} more")


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(key), child) for key, child in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{at}]", child) for at, child in enumerate(value))


def _is_deep(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple) or _is_array(value)


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _short(value: Any) -> str:
    if _is_array(value):
        return shape_of(value)
    text = cell(value) if isinstance(value, datetime | bytes) else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def plain(value: Any) -> Any:
    """A nested object as JSON holds it: arrays and samples by type and shape, everything else by value."""
    if _is_array(value):
        return {"array": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, Mapping):
        return {str(key): plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(child) for child in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
