"""The index entries of a document, by Firestore's documented rules.

Which entries there are: https://firebase.google.com/docs/firestore/query-data/index-overview
How large each is: https://firebase.google.com/docs/firestore/storage-size#index-entry-size
"""

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]

# Of a longer value this much is indexed: https://firebase.google.com/docs/firestore/quotas#indexes
_MAX_VALUE_BYTES = 1_500
_NAME_BYTES = 16
_ENTRY_BYTES = 32
_GROUP_ENTRY_BYTES = 48
_GROUP, _COLLECTION = "COLLECTION_GROUP", "COLLECTION"
_BOTH_WAYS: Sequence[Json] = (
    {"order": "ASCENDING", "queryScope": _COLLECTION},
    {"order": "DESCENDING", "queryScope": _COLLECTION},
)
_ELEMENTS: Json = {"arrayConfig": "CONTAINS", "queryScope": _COLLECTION}


@dataclass(frozen=True)
class IndexedDocument:
    """A document and what firestore.indexes.json says of its collection.

    `path` is its path from the database's root, `fields` are as they are stored.
    """

    path: str
    fields: Json
    indexes: Json
    _overrides: Mapping[str, Sequence[Json]] = field(init=False)

    def __post_init__(self) -> None:
        """Find what is said of single fields."""
        overrides = {
            each["fieldPath"]: each["indexes"]
            for each in self.indexes["fieldOverrides"]
            if each["collectionGroup"] == self._collection
        }
        object.__setattr__(self, "_overrides", overrides)

    def entry_sizes(self) -> list[int]:
        """Return the size of each index entry, in bytes."""
        return list(self.entries().values())

    def entries(self) -> dict[Hashable, int]:
        """Return the size of each index entry, in bytes, by what tells it from all others."""
        return dict([*self._of_composites(), *self._of_fields(self.fields, "", None)])

    @property
    def _collection(self) -> str:
        return self.path.split("/")[-2]

    def _of_composites(self) -> Iterator[tuple[Hashable, int]]:
        for number, index in enumerate(self.indexes["indexes"]):
            named = index["collectionGroup"] == self._collection
            if named and all(each["fieldPath"] in self.fields for each in index["fields"]):
                yield from self._of_composite(number, index)

    def _of_composite(self, number: int, index: Json) -> Iterator[tuple[Hashable, int]]:
        """Yield an entry for each combination of one value of each field."""
        values = [_indexed(self.fields[one["fieldPath"]], one) for one in index["fields"]]
        fixed = _ENTRY_BYTES + self._name_bytes(index["queryScope"])
        sized = [[(_known(value), _capped(value)) for value in some] for some in values]
        for combination in itertools.product(*sized):
            known, sizes = zip(*combination, strict=True)
            yield (number, known), fixed + sum(sizes)

    def _of_fields(
        self, fields: Json, prefix: str, inherited: Sequence[Json] | None
    ) -> Iterator[tuple[Hashable, int]]:
        for name, value in fields.items():
            path = f"{prefix}{name}"
            said = self._overrides.get(path, inherited)
            yield from self._of_field(path, value, said)
            if isinstance(value, Mapping):
                yield from self._of_fields(value, f"{path}.", said)

    def _of_field(
        self, path: str, value: Any, said: Sequence[Json] | None
    ) -> Iterator[tuple[Hashable, int]]:
        automatic = [*_BOTH_WAYS, _ELEMENTS] if isinstance(value, list) else _BOTH_WAYS
        for number, mode in enumerate(automatic if said is None else said):
            scope = mode["queryScope"]
            fixed = _GROUP_ENTRY_BYTES if scope == _GROUP else _ENTRY_BYTES
            fixed += self._name_bytes(scope) + _text_bytes(path)
            for one in _indexed(value, mode):
                yield (path, number, _known(one)), fixed + _capped(one)

    def _name_bytes(self, scope: str) -> int:
        own = _path_bytes(self.path)
        if scope == _GROUP:
            return own
        return own + _path_bytes(self.path.rsplit("/", 2)[0])


def _indexed(value: Any, mode: Json) -> list[Any]:
    """Return what an index holds of a value: an array's elements, each once, or it as a whole."""
    if mode.get("arrayConfig") != "CONTAINS":
        return [value]
    return list(dict.fromkeys(value)) if isinstance(value, list) else []


def _known(value: Any) -> Hashable:
    """Return what tells a value from others."""
    return repr(value) if isinstance(value, list | Mapping) else value


def _capped(value: Any) -> int:
    return min(_value_bytes(value), _MAX_VALUE_BYTES)


def document_bytes(path: str, fields: Json) -> int:
    """Return the size of a document: https://firebase.google.com/docs/firestore/storage-size."""
    # It has 32 bytes beside its name and its fields, as a map in it has.
    return _path_bytes(path) + _value_bytes(fields)


def _value_bytes(value: Any) -> int:
    match value:
        case None | bool():
            return 1
        case int() | float() | datetime():
            return 8
        case str():
            return _text_bytes(value)
        case bytes():
            return len(value)
        case list():
            return sum(map(_value_bytes, value))
        case Mapping():
            return 32 + sum(_text_bytes(name) + _value_bytes(one) for name, one in value.items())
    raise TypeError(type(value))


def _text_bytes(text: str) -> int:
    return len(text.encode()) + 1


def _path_bytes(path: str) -> int:
    return _NAME_BYTES + sum(map(_text_bytes, path.split("/")))
