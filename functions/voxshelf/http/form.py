"""The parts of a form, put together under the names of their fields.

Forms have no lists and no objects, so each library writes them in its own way: `tags` several
times, `tags[]`, `tags[0]`, `parameters[seed]`, `parameters.seed`. All are read.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from voxshelf.http.received import Part

_NAME = re.compile(r"([^\[\].]+)((?:\[[^\[\]]*\]|\.[^\[\].]+)+)")
_KEY = re.compile(r"[^\[\].]+")


@dataclass(slots=True)
class Group:
    """All that a form holds of one field: values in order, and those that carry a key."""

    values: list[Part] = field(default_factory=list)
    keyed: dict[str, list[Part]] = field(default_factory=dict)


def grouped(parts: Iterable[tuple[str, Part]]) -> Mapping[str, Part | Group]:
    """Return what there is of each field: one part, or a group where it takes several.

    An index counts as an order, which is that of the parts.
    """
    groups: dict[str, Group] = {}
    for name, part in parts:
        match = _NAME.fullmatch(name)
        group = groups.setdefault(match[1] if match else name, Group())
        key = ".".join(_KEY.findall(match[2])) if match else ""
        if key and not key.isdecimal():
            group.keyed.setdefault(key, []).append(part)
        else:
            group.values.append(part)
    return {name: _alone(group) for name, group in groups.items()}


def _alone(group: Group) -> Part | Group:
    return group.values[0] if len(group.values) == 1 and not group.keyed else group
