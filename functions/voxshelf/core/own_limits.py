"""A user's own limits, as an operator wrote them by hand into `users/{uid}`."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TypeGuard

from voxshelf.core.account import Limits

_NAMES = frozenset(field.name for field in fields(Limits))


def own_limits(written: object) -> dict[str, int]:
    """Return those that can be understood, by their names: whole numbers from 0 on.

    The others are as if they were not there: a slip of an operator's must not lock his user out.
    """
    if not isinstance(written, Mapping):
        return {}
    return {
        name: int(value) for name, value in written.items() if name in _NAMES and _is_amount(value)
    }


def _is_amount(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
