"""Libraries of long texts, through a proxy that refuses what Firestore does and the emulator not.

The figure of decision 27: five hundred documents of five hundred words, 51 MB of index entries.
"""

import os
import secrets
from dataclasses import replace

import pytest
from google.cloud import firestore

from benchmarks.index_costs import long_generation
from tests.chaos.faults import Switchboard
from tests.chaos.firestore_proxy import FirestoreProxy
from tests.chaos.scales import MAX_BYTES
from tests.contracts.jobs_contract import SPEECH, job
from tests.contracts.library_contract import LIMITS, UNDO_FOR, generation, voice
from tests.emulator.filling import filled
from tests.fakes.memory_objects import MemoryObjects
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.adapters.job_documents import hidden_of, shown_of
from voxshelf.core.deletion import Manner
from voxshelf.core.edits import VoiceEdit, edited
from voxshelf.use_cases.delete_item import delete_items
from voxshelf.use_cases.deletion_ports import Deletion, ItemKey
from voxshelf.use_cases.ports import Renaming
from voxshelf.use_cases.restore_items import restore_items

# Half a million entries are counted twice: by the proxy, in Python.
pytestmark = [pytest.mark.emulator, pytest.mark.slow, pytest.mark.timeout(300)]

COUNT = 500
# More than two batches of them.
FEWER = 80
VOICE = ItemKey("voices", "voice_a")
KEYS = [ItemKey("generations", f"g{number:03}") for number in range(COUNT)]
PATIENT_S = 600.0


@pytest.fixture(scope="module")
def proxy():
    proxy = FirestoreProxy(os.environ["FIRESTORE_EMULATOR_HOST"], Switchboard())
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def library(proxy):
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("FIRESTORE_EMULATOR_HOST", proxy.address)
        client = firestore.Client(project=os.environ["GCLOUD_PROJECT"])
    yield FirestoreLibrary(client)
    client.close()


@pytest.fixture(autouse=True)
def scales(proxy):
    scales = proxy.scales
    scales.commits, scales.refused, scales.max_bytes = [], 0, MAX_BYTES
    return scales


def stocked(client, count):
    """Make a user with one voice that has spoken five hundred words as often; return the uid."""
    uid = secrets.token_hex(14)
    text = long_generation(()).text
    spoken = [generation(key.item_id, text=text, runpod_job_id=None) for key in KEYS[:count]]
    items = [voice(generation_count=count), *spoken]
    # The emulator takes no message of more than 4 MiB.
    for start in range(0, len(items), 100):
        filled(client, uid, items[start : start + 100])
    size = sum(item.size_bytes for item in items)
    length = sum(item.audio_ms for item in items)
    client.document("users", uid).update({"bytes": size, "audio_ms": length})
    return uid


@pytest.fixture
def uid(firestore_client):
    return stocked(firestore_client, FEWER)


def counted(client, uid):
    account = client.document("users", uid).get().to_dict()
    spoken = client.document("users", uid, "voices", "voice_a").get().to_dict()
    return account, spoken and spoken["generation_count"]


def delete(library, uid, keys, **options):
    manner = Manner(UNDO_FOR, **options)
    objects = MemoryObjects()
    return delete_items(uid, keys, manner, library=library, objects=objects, patience_s=PATIENT_S)


def restore(library, uid, keys):
    limits = replace(LIMITS, generations=COUNT)
    return restore_items(uid, keys, library=library, limits=limits, patience_s=PATIENT_S)


def test_five_hundred_documents_of_five_hundred_words_go_and_come_back(
    library, firestore_client, scales
):
    uid = stocked(firestore_client, COUNT)
    before = counted(firestore_client, uid)
    assert {one.error for one in delete(library, uid, KEYS)} == {None}
    account, spoken = counted(firestore_client, uid)
    assert (account["generations"], spoken) == (0, 0)
    assert {one.error for one in restore(library, uid, KEYS)} == {None}
    assert counted(firestore_client, uid) == before
    assert scales.refused == 0
    # As few as the limit lets them be, within a factor of two.
    assert max(scales.commits) > MAX_BYTES / 2


def test_a_voice_takes_them_along_brings_them_back_and_purges_them(
    library, firestore_client, uid, scales
):
    before = counted(firestore_client, uid)
    (deleted,) = delete(library, uid, [VOICE], with_generations=True)
    assert (deleted.error, deleted.generations) == (None, FEWER)
    assert counted(firestore_client, uid)[0]["generations"] == 0
    (restored,) = restore(library, uid, [VOICE])
    assert (restored.error, restored.generations) == (None, FEWER)
    assert counted(firestore_client, uid) == before
    (deleted,) = delete(library, uid, [VOICE], with_generations=True, permanent=True)
    assert (deleted.error, deleted.generations) == (None, FEWER)
    left = firestore_client.collection("users", uid, "generations").limit(1).get()
    assert (left, scales.refused) == ([], 0)


def test_a_renamed_voice_keeps_them_all_under_its_new_name(library, firestore_client, uid, scales):
    edit = VoiceEdit(name="Another name")
    renamed = library.edit(uid, "voices", "voice_a", lambda item, now: edited(item, edit, now))
    renaming = Renaming(uid, "voice_a", renamed.saved_at)
    assert sum(library.rename_generations(renaming)) == FEWER
    names = firestore_client.collection("users", uid, "generations").select(["voice_name"])
    assert {one.to_dict()["voice_name"] for one in names.stream()} == {edit.name}
    assert scales.refused == 0


def test_the_words_of_many_long_orders_go_with_one_item(library, firestore_client, uid, scales):
    orders = firestore_client.collection("users", uid, "jobs")
    for number in range(100):
        order = replace(SPEECH, text="話" * 50_000)
        made = replace(job(f"job_{number}"), order=order, result_id=KEYS[0].item_id)
        orders.document(made.job_id).set({**shown_of(made), **hidden_of(made)})
    found = library.delete(uid, KEYS[:1], Manner(UNDO_FOR, permanent=True))
    library.remove_words([one for one in found.values() if isinstance(one, Deletion)])
    texts = [one.to_dict()["order"]["text"] for one in orders.stream()]
    assert (texts, scales.refused) == ([""] * 100, 0)


def test_what_is_too_big_all_the_same_is_done_in_smaller_batches(library, firestore_client, scales):
    count = 24
    uid = stocked(firestore_client, count)
    before = counted(firestore_client, uid)
    # As if all weighed four times as much as they do.
    scales.max_bytes = MAX_BYTES // 4
    assert {one.error for one in delete(library, uid, KEYS[:count])} == {None}
    assert {one.error for one in restore(library, uid, KEYS[:count])} == {None}
    assert counted(firestore_client, uid) == before
    (deleted,) = delete(library, uid, [VOICE], with_generations=True)
    (restored,) = restore(library, uid, [VOICE])
    assert (deleted.generations, restored.generations) == (count, count)
    assert counted(firestore_client, uid) == before
    delete(library, uid, [VOICE], with_generations=True, permanent=True)
    assert counted(firestore_client, uid)[1] is None
    assert scales.refused
