"""Tensors by protocol."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from aiconsql.codec.documents import decode_document, encode_document
from aiconsql.codec.tensors import as_array
from aiconsql.errors import InvalidValue
from tests.codec.values import assert_same, assert_same_array

ELEMENTS = np.arange(6, dtype="f4").reshape(2, 3)


class Arrayish:
    def __array__(self, dtype=None, copy=None):
        return ELEMENTS


class Dlpackish:
    def __dlpack__(self, **options):
        return ELEMENTS.__dlpack__(**options)

    def __dlpack_device__(self):
        return ELEMENTS.__dlpack_device__()


class OnGpu(Dlpackish):
    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, **options):
        raise BufferError("the elements are on a GPU")


class Torchish:
    """A tensor with a gradient, which numpy takes only when it was detached and moved, its conjugate taken."""

    __module__ = "torch"

    def __init__(self, *steps: str) -> None:
        self.steps = steps

    def __getattr__(self, name):
        if name not in {"detach", "cpu", "resolve_conj", "resolve_neg"}:
            raise AttributeError(name)
        return lambda: Torchish(*self.steps, name)

    def numpy(self):
        if self.steps != ("detach", "cpu", "resolve_conj", "resolve_neg"):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad")
        return ELEMENTS


class Bfloat(Torchish):
    __module__ = "torch"

    def __getattr__(self, name):
        return lambda: self

    def numpy(self):
        raise TypeError("Got unsupported ScalarType BFloat16")


class DataFrame(Arrayish):
    __module__ = "pandas.core.frame"


@pytest.mark.parametrize("tensor", [Arrayish(), Dlpackish(), Torchish(), ELEMENTS])
def test_tensor(tensor):
    """A tensor of whatever library comes back as a numpy array with the same elements."""
    document = encode_document({"weights": tensor})
    back = decode_document(document.json, [segment.bytes() for segment in document.segments])

    assert_same_array(ELEMENTS, as_array(tensor))
    assert_same({"weights": ELEMENTS}, back)


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (OnGpu(), "on a GPU", "numpy array"),
        (Bfloat(), "BFloat16", "float32"),
        (DataFrame(), "a pandas DataFrame cannot be stored", "to_numpy()"),
    ],
)
def test_no_form_in_numpy(value, message, hint):
    """B110: a tensor that numpy cannot hold, and a dataframe, is an error with its path and what to do."""
    with pytest.raises(InvalidValue) as caught:
        encode_document({"brain": [value]})

    assert str(caught.value).startswith("$.brain[0]: ")
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("value", [[1, 2], 1.5, None, "text", object(), Arrayish])
def test_everything_else(value):
    """What is no tensor is None."""
    assert as_array(value) is None


def test_nothing_heavy_is_imported():
    """Importing the codec, and storing plain values, imports neither numpy nor zstandard."""
    program = (
        "import sys, aiconsql.codec.rows, aiconsql.codec.jsonb;"
        "print([name for name in ('numpy', 'msgspec', 'zstandard') if name in sys.modules]);"
        "aiconsql.codec.rows.freeze_row({'state': {'a': [1, (2, 'x')], 'b': len}['a']});"
        "print([name for name in ('numpy', 'zstandard') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n[]\n" == done.stdout
