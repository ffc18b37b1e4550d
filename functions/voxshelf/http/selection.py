"""Requests that name items to be deleted or restored (the contract, section 8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxshelf.core.errors import InvalidRequest, invalid
from voxshelf.http.flags import read_flag
from voxshelf.use_cases.deletion_ports import ItemKey

if TYPE_CHECKING:
    from voxshelf.http.body import Fields

MAX_IDS = 500
# Much more than so many ids of the longest kind, however they are escaped.
MAX_SELECTION_BYTES = 1024**2
GENERATIONS = ("keep", "delete")


@dataclass(frozen=True, slots=True)
class DeletionOptions:
    """What goes along with a voice, and whether anything is to be restored."""

    with_generations: bool
    permanent: bool


def read_keys(fields: "Fields") -> list[ItemKey]:
    """Read `voice_ids` and `generation_ids`, of which one may be left out.

    Raises:
        InvalidRequest: naming the field.
    """
    if not {"voice_ids", "generation_ids"} & fields.values.keys():
        raise InvalidRequest("Send voice_ids, generation_ids or both.")
    keys = [ItemKey("voices", one) for one in _ids(fields.values, "voice_ids")]
    keys += [ItemKey("generations", one) for one in _ids(fields.values, "generation_ids")]
    if len(keys) > MAX_IDS:
        raise InvalidRequest(
            f"At most {MAX_IDS} ids fit into one request.", details={"max": MAX_IDS}
        )
    return keys


def read_options(values: Mapping[str, Any]) -> DeletionOptions:
    """Read `generations` and `permanent`, from a query or a body; null and "" are not sent.

    Raises:
        InvalidRequest: naming the field.
    """
    generations, permanent = values.get("generations"), values.get("permanent")
    if generations not in (None, "", *GENERATIONS):
        raise invalid("generations", f"one of {', '.join(GENERATIONS)}")
    permanent = False if permanent in (None, "") else permanent
    # JSON's 1 and 0, too: True is an integer and reads as "true".
    flag = read_flag(str(permanent)) if isinstance(permanent, str | int) else None
    if flag is None:
        raise invalid("permanent", "true or false")
    return DeletionOptions(with_generations=generations == GENERATIONS[1], permanent=flag)


def _ids(values: Mapping[str, Any], name: str) -> list[str]:
    ids = values.get(name, [])
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise invalid(name, "a list of ids")
    return ids
