"""What becomes of connections in a forked child: they are the parent's, so the child opens its own."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class _Pool(Protocol):
    def forget(self) -> object:
        """Give the parent's connections up without closing them, and return them."""


_pools: WeakSet[_Pool] = WeakSet()
_inherited: list[object] = []  # kept from the garbage collector, which would close them and disturb the parent


def begin_anew_in_children(pool: _Pool) -> None:
    """From now on a forked child forgets the connections that `pool` has."""
    _pools.add(pool)


def _forget() -> None:
    _inherited.extend(pool.forget() for pool in _pools)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
