"""Arguments of paths."""

from voxshelf.core.errors import NotFound
from voxshelf.core.names import is_valid_id


def known_id(item_id: str) -> str:
    """Return an id that can exist; one that cannot is as missing as any other.

    Raises:
        NotFound.
    """
    if not is_valid_id(item_id):
        raise NotFound("There is no such item in your library.")
    return item_id
