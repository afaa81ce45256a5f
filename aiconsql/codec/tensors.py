"""Tensors of other libraries, known by their protocols: none of these libraries is ever imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiconsql.codec.paths import refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

# They offer __array__ too, but an array would lose their labels and column types.
_TABLES = frozenset({"cudf", "dask", "geopandas", "modin", "pandas", "polars", "pyarrow", "xarray"})


def as_array(value: Any, *, where: str = "$") -> NDArray[Any] | None:
    """The elements of an array or tensor as a numpy array on the CPU, or None for anything else.

    A tensor of torch, tensorflow or jax, and whatever offers `__dlpack__` or `__array__`, comes back from the
    database as a numpy array. A gradient is not kept.

    Raises: InvalidValue for dataframes, and for tensors without a form in numpy, such as bfloat16.
    """
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    if root in _TABLES:
        hint = "store numpy arrays or plain values: value.to_numpy(), value.to_dict(), value.isoformat()"
        raise refused(where, f"a {root} {kind.__qualname__} cannot be stored", hint)
    if not (root == "torch" or hasattr(kind, "__dlpack__") or hasattr(kind, "__array__")):
        return None
    import numpy as np

    if isinstance(value, np.ndarray):
        return value
    try:
        return _elements(value, root)
    except (TypeError, ValueError, RuntimeError, BufferError, AttributeError, NotImplementedError) as error:
        hint = "convert it to a numpy array first; bfloat16 to float32, a sparse tensor to a dense one"
        raise refused(where, f"a {root} {kind.__qualname__} cannot be stored: {error}", hint) from error


def _elements(value: Any, root: str) -> NDArray[Any]:
    import numpy as np

    if root == "torch":
        # numpy refuses a tensor with a gradient, on a GPU, or whose conjugate or sign is still to be taken.
        return np.asarray(value.detach().cpu().resolve_conj().resolve_neg().numpy())
    if root in {"tensorflow", "jax", "jaxlib"} or not hasattr(value, "__dlpack__"):
        return np.asarray(value)
    return np.from_dlpack(value)
