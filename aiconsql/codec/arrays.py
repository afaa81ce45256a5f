"""numpy arrays as bytes, equal bit by bit: values, dtype, memory order, mask; object and StringDType are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiconsql.codec import bundles, npy
from aiconsql.codec.paths import UNREADABLE, refused
from aiconsql.codec.segments import Segment
from aiconsql.errors import Corrupt, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def encode_array(array: NDArray[Any], *, where: str = "$") -> Segment:
    """The array in `.npy` format, or in a bundle of several when it is masked or a record array.

    The segment is a view of the array, which must not change until the segment has been used. An array that is
    contiguous in neither order is copied in C order. A dtype's `metadata` is not kept, as in numpy.save.

    Raises: InvalidValue for arrays of objects, StringDType and dtypes of other packages, and for subclasses of
    ndarray that hold more than their elements.
    """
    import numpy as np

    kind = type(array)
    if kind is np.ndarray or kind is np.memmap:
        return _encode_elements(array, where)
    if kind is np.ma.MaskedArray:
        return _encode_masked(array, where)
    if kind is np.recarray:
        return bundles.pack({"kind": "recarray"}, [_encode_elements(array, where)])
    name = f"{kind.__module__}.{kind.__qualname__}"
    raise refused(where, f"a {name} cannot be stored", "store numpy.asarray(value), and its other fields beside it")


def decode_array(data: bytes | memoryview, *, writeable: bool = False) -> NDArray[Any]:
    """The array that was encoded: a read-only view of `data` (a copy where it is unaligned), or a copy if `writeable`.

    Raises: Corrupt.
    """
    view = memoryview(data)
    if not bundles.is_bundle(view):
        return npy.read(view, writeable=writeable)
    fields, pieces = bundles.unpack(view)
    read = _BUNDLES.get(fields.get("kind", ""))
    if read is None:
        raise Corrupt(f"array: a bundle of kind {fields.get('kind')!r} is unknown", hint="upgrade aiconsql")
    try:
        return read(fields, [decode_array(piece, writeable=writeable) for piece in pieces])
    except UNREADABLE as error:
        raise Corrupt(f"array: its bundle of kind {fields['kind']!r} does not fit together") from error


def _encode_elements(array: NDArray[Any], where: str) -> Segment:
    import numpy as np

    array = np.asarray(array)
    if array.dtype.hasobject:
        raise _refused_dtype(array.dtype, where)
    try:
        descr = _described(array.dtype)
        if descr is None:
            return _encode_fields(array, where)
        array = _contiguous(array)
        head = npy.header(descr, array.shape, fortran=array.flags.fnc)
    except ValueError as error:
        raise refused(where, f"an array cannot be stored: {error}") from error
    return Segment((head, _elements(array)))


def _described(dtype: np.dtype[Any]) -> Any:
    """What `.npy` writes for a dtype, or None when reading that would give another dtype."""
    import numpy as np

    if dtype.names is None:
        return dtype.str if dtype.type.__module__ == "numpy" else None
    try:
        descr: Any = dtype.descr
        return descr if np.lib.format.descr_to_dtype(descr) == dtype else None
    except ValueError:  # numpy: not defined for fields that overlap or are out of order
        return None


def _encode_fields(array: NDArray[Any], where: str) -> Segment:
    """Elements whose fields lie out of order or overlap, with the dtype beside them."""
    described = bundles.dtype_to_json(array.dtype)
    if bundles.dtype_from_json(described) != array.dtype:
        raise _refused_dtype(array.dtype, where)
    elements = _contiguous(array).view(f"V{array.dtype.itemsize}")
    return bundles.pack({"kind": "fields", "dtype": described}, [_encode_elements(elements, where)])


def _contiguous(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if array.flags.forc or not array.nbytes:
        return array
    # Field by field into zeros: what lies between the fields would else differ from save to save.
    copy = np.zeros(array.shape, array.dtype)
    copy[...] = array
    return copy


def _elements(array: NDArray[Any]) -> bytes | memoryview:
    """The bytes of a contiguous array, without a copy."""
    import numpy as np

    if not array.nbytes:
        return b""
    flat = array if array.flags.c_contiguous else array.T
    return flat.reshape(-1).view(np.uint8).data


def _refused_dtype(dtype: np.dtype[Any], where: str) -> InvalidValue:
    if dtype.kind == "T":
        return refused(where, "an array of dtype StringDType cannot be stored", "convert it: array.astype('U')")
    if dtype.hasobject:
        hint = "convert it: array.astype(float), array.astype('U') or array.tolist()"
        return refused(where, f"an array of Python objects (dtype {dtype}) cannot be stored", hint)
    hint = "convert it to a dtype of numpy, or store array.view('u2') and the dtype's name"
    return refused(where, f"an array of dtype {dtype} cannot be stored", hint)


def _encode_masked(array: Any, where: str) -> Segment:
    """Data under the mask, the mask, the fill value unless it is the dtype's default, and whether the mask is hard."""
    import numpy as np

    mask, fill = np.ma.getmask(array), _fill_value(array)
    pieces = [encode_array(np.ma.getdata(array), where=where)]
    if mask is not np.ma.nomask:
        pieces.append(_encode_elements(np.asarray(mask), where))
    if fill is not None:
        pieces.append(_encode_elements(fill, where))
    fields = {
        "kind": "masked",
        "hard": bool(array.hardmask),
        "mask": mask is not np.ma.nomask,
        "fill": fill is not None,
    }
    return bundles.pack(fields, pieces)


def _fill_value(array: Any) -> NDArray[Any] | None:
    """The fill value that was given, or None. The public property makes one up, and fails for a timedelta64."""
    import numpy as np

    fill: NDArray[Any] | None = array._fill_value  # noqa: SLF001
    if fill is None:
        return None
    # Printing an array sets its default, which must not make it another value.
    with np.errstate(all="ignore"):
        try:
            default = np.ma.MaskedArray(np.zeros((), array.dtype)).fill_value
            same = np.array(default, array.dtype).tobytes() == fill.tobytes()
        except (TypeError, ValueError):
            same = False
    return None if same else np.asarray(fill)


def _read_masked(fields: dict[str, Any], pieces: list[NDArray[Any]]) -> NDArray[Any]:
    import numpy as np

    rest = iter(pieces)
    data = next(rest)
    mask = next(rest) if fields["mask"] else np.ma.nomask
    if fields["mask"] and (mask.shape != data.shape or mask.dtype != np.ma.make_mask_descr(data.dtype)):
        raise Corrupt(f"array: a mask of shape {mask.shape} for data of shape {data.shape}")
    array: Any = np.ma.MaskedArray(data, mask=mask, hard_mask=fields["hard"])
    if fields["fill"]:
        array._fill_value = next(rest).astype(data.dtype)  # noqa: SLF001
    return array  # type: ignore[no-any-return]


def _read_recarray(_fields: dict[str, Any], pieces: list[NDArray[Any]]) -> NDArray[Any]:
    import numpy as np

    return pieces[0].view(np.recarray)


def _read_fields(fields: dict[str, Any], pieces: list[NDArray[Any]]) -> NDArray[Any]:
    return pieces[0].view(bundles.dtype_from_json(fields["dtype"]))


_BUNDLES: dict[str, Callable[[dict[str, Any], list[NDArray[Any]]], NDArray[Any]]] = {
    "masked": _read_masked,
    "recarray": _read_recarray,
    "fields": _read_fields,
}
