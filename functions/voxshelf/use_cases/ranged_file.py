"""A file that lies elsewhere and is read in ranges, as one that can be sought in."""

import io
from collections import OrderedDict
from collections.abc import Callable

from voxshelf.core.errors import InvalidRequest

# Three places of an archive are read in turn: its directory, its lines, and a file.
_BLOCK_BYTES, _BLOCKS = 2 * 1024**2, 3
# What reading in ranges holds: the blocks, one more that is on its way, and its copy.
HELD_BYTES = (_BLOCKS + 2) * _BLOCK_BYTES


class RangedFile(io.RawIOBase):
    """Reads by `read(start, length)`, and keeps the last few blocks.

    Nobody may read more than `max_read_bytes` at once: that is how a declared length, which
    may be any number, cannot cost memory.
    """

    def __init__(
        self, read: Callable[[int, int], bytes], size_bytes: int, max_read_bytes: int
    ) -> None:
        """Stand at the beginning of a file of `size_bytes`."""
        super().__init__()
        self._read_range, self._size, self._max_read = read, size_bytes, max_read_bytes
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be sought in."""
        return True

    def tell(self) -> int:
        """Return where it stands."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere, as files do; past the end there is nothing to read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Return so many bytes, fewer only at the end; all that are left unless told.

        Raises:
            InvalidRequest: when that is more than anybody may read at once.
            NotFound, Unavailable: see `ObjectStore.read`.
        """
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self._max_read:
            raise InvalidRequest("The archive's directory is too large, or damaged.")
        pieces = []
        while wanted > 0:
            number, offset = divmod(self._position, _BLOCK_BYTES)
            piece = self._block(number)[offset : offset + wanted]
            pieces.append(piece)
            self._position += len(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        if len(self._blocks) == _BLOCKS:
            self._blocks.popitem(last=False)
        start = number * _BLOCK_BYTES
        block = self._read_range(start, min(_BLOCK_BYTES, self._size - start))
        self._blocks[number] = block
        return block
