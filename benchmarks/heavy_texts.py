"""Voices whose generations have the longest texts of a script that writes no spaces."""

import random
from collections.abc import Callable
from dataclasses import replace

from google.cloud import firestore

from benchmarks.seeding import BEGIN, generation
from voxshelf.adapters import documents

# The most that one generation may have (the contract, section 4).
TEXT_CHARACTERS = 50_000
# A text takes 150 kB, and the emulator 4 MiB in one call.
_BATCH = 20
_HAN = range(0x4E00, 0x9FA0)


def write_heavy(
    client: firestore.Client,
    uid: str,
    voices: dict[str, str],
    each: int,
    say: Callable[[str], None],
) -> None:
    """Write so many generations of each of these voices, by id and name, and count them."""
    say(f"Writing {len(voices) * each} texts of {TEXT_CHARACTERS} characters ...")
    account, batch = client.document("users", uid), client.batch()
    # Always the same, so that one run can be compared with another.
    chance = random.Random(1)
    count = 0
    for voice_id, name in voices.items():
        for number in range(each):
            text = "".join(map(chr, chance.choices(_HAN, k=TEXT_CHARACTERS)))
            item = replace(
                generation(count),
                generation_id=f"{voice_id}_{number:04}",
                voice_id=voice_id,
                voice_name=name,
                text=text,
                saved_at=BEGIN,
            )
            fields = {**documents.from_item(item), "status": documents.READY}
            batch.set(account.collection("generations").document(item.item_id), fields)
            count += 1
            if count % _BATCH == 0:
                batch.commit()
                batch = client.batch()
    batch.commit()
    account.set({"generations": count}, merge=True)
