"""What the tests of the cache run in processes of their own."""

import random
import resource

from tests.contracts.content_cache_contract import DATA, sha256
from tests.fakes.memory_objects import MemoryObjects
from voxshelf.adapters.tmp_cache import TmpCache


def read_at_random(folder, bound, seed, *, removes):
    """Read 400 times; return how often other bytes came, and how often they came from a file.

    With `removes`, files vanish in between, whoever wrote them.
    """
    objects = MemoryObjects()
    contents = {f"o{n}": random.Random(n).randbytes(n * 700) for n in range(20)}
    for path, data in contents.items():
        objects.plant(path, data)
    cache, chosen, wrong = TmpCache(objects, folder, bound), random.Random(seed), 0
    for number in range(400):
        path = chosen.choice(sorted(contents))
        if removes and number % 7 == 0 and folder.exists():
            for file in sorted(folder.iterdir())[:2]:
                file.unlink(missing_ok=True)
        wrong += cache.read(path, sha256(contents[path])) != contents[path]
    return wrong, cache.figures["hits"]


def read_where_writes_break_off(folder):
    """Read twice where the system writes no file of more than 1,000 bytes.

    Returns whether each was right, how often the store was asked, and what is left in the folder.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    objects = MemoryObjects()
    objects.plant("a", DATA)
    cache = TmpCache(objects, folder, 10**6)
    right = [cache.read("a", sha256(DATA)) == DATA for _ in range(2)]
    return right, cache.figures["misses"], list(folder.iterdir())
