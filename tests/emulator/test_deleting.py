"""Deleting over HTTP: five hundred at once, undone, and addresses that play until the purge."""

import os

import httpx
import pytest

from local.auth_emulator import sign_up
from local.speech import synthesise

pytestmark = pytest.mark.emulator
COUNT = 500
VOICE = "/api/voices/voice_deleted"


@pytest.fixture(scope="module")
def user():
    host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
    return sign_up(host, "deleting@voxshelf.example", "stack-password")


@pytest.fixture
def http(user):
    headers = {"Authorization": f"Bearer {user.id_token}"}
    site = os.environ["VOXSHELF_SITE_URL"]
    with httpx.Client(base_url=site, headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def speech(http):
    """Return a generation, the only one of its voice."""
    sample = synthesise("A sample of a voice that is going to be deleted, and comes back.")
    files = {"audio_file": ("a.wav", sample)}
    fields = {"voice_name": "Deleted", "replace": "true"}
    saved = http.post("/api/voices/save", data=fields, files=files)
    assert saved.status_code == 201, saved.text
    fields = {"voice_id": "voice_deleted", "text_input": "Hello."}
    spoken = http.post("/api/tts/save", data=fields, files=files)
    assert spoken.status_code == 201, spoken.text
    yield spoken.json()["generation"]
    http.delete(f"{VOICE}?permanent=true&generations=delete")


@pytest.fixture
def generations(firestore_client, user, speech):
    """Return the ids of many generations: copies of one, as if each had been saved."""
    account = firestore_client.document("users", user.uid)
    collection = account.collection("generations")
    first = collection.document(speech["generation_id"]).get().to_dict()
    ids = [f"{speech['generation_id']}_copy_{number}" for number in range(COUNT)]
    batch = firestore_client.batch()
    for item_id in ids:
        path = f"tts_generations/{user.uid}/{item_id}.wav"
        fields = {**first, "generation_id": item_id, "audio": {**first["audio"], "path": path}}
        batch.set(collection.document(item_id), fields)
    batch.commit()
    voice = account.collection("voices").document("voice_deleted")
    voice.update({"generation_count": COUNT + 1})
    counters = account.get().to_dict()
    size, length = first["audio"]["size_bytes"], round(first["audio"]["duration_s"] * 1000)
    account.update(
        {
            "generations": counters["generations"] + COUNT,
            "bytes": counters["bytes"] + COUNT * size,
            "audio_ms": counters["audio_ms"] + COUNT * length,
        }
    )
    return ids


def test_five_hundred_go_and_come_back(http, firestore_client, user, generations):
    account = firestore_client.document("users", user.uid)
    before = account.get().to_dict()
    many = {"generation_ids": generations}
    for _ in range(2):
        deleted = http.post("/api/library/delete", json=many).json()
        assert (deleted["deleted"], len(deleted["results"])) == (COUNT, COUNT)
        assert http.get("/api/tts/generations").json()["total_generations"] == 1
        assert http.get(VOICE).json()["voice"]["generation_count"] == 1
    assert http.post("/api/library/restore", json=many).json()["restored"] == COUNT
    assert http.get(VOICE).json()["voice"]["generation_count"] == COUNT + 1
    assert account.get().to_dict() == before


def test_a_voice_takes_five_hundred_along_and_brings_them_back(http, generations):
    deleted = http.delete(f"{VOICE}?generations=delete").json()
    assert deleted["generations"] == COUNT + 1
    assert http.get("/api/tts/generations").json()["total_generations"] == 0
    restored = http.post("/api/library/restore", json={"voice_ids": ["voice_deleted"]}).json()
    assert [one["generations"] for one in restored["results"]] == [COUNT + 1]
    assert http.get(VOICE).json()["voice"]["generation_count"] == COUNT + 1
    deleted = http.delete(f"{VOICE}?generations=delete&permanent=true").json()
    assert deleted["generations"] == COUNT + 1
    missing = http.post("/api/library/restore", json={"generation_ids": generations}).json()
    assert {one["status"] for one in missing["results"]} == {"not_found"}


@pytest.mark.parametrize("act", ["delete", "restore"])
def test_ids_that_cannot_exist_are_as_missing_as_any(http, act):
    ids = ["", ".", "..", "a/b", "__x__", "x" * 2000, "\x00", "voice_never"]
    answer = http.post(f"/api/library/{act}", json={"voice_ids": ids, "generation_ids": ids})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["id"] for one in results] == [*ids, *ids]
    assert {one["status"] for one in results} == {"not_found"}


def test_an_address_plays_until_the_purge_and_never_after(http, speech, bucket):
    address = speech["firebase_url"]
    path = f"/api/tts/generations/{speech['generation_id']}"
    sample = http.get(VOICE).json()["voice"]["firebase_url"]
    assert http.delete(path).status_code == 200
    assert http.delete(VOICE).status_code == 200
    for gone in (f"{path}/audio", f"{VOICE}/sample"):
        assert http.get(gone).status_code == 404
    for url in (address, sample):
        assert httpx.get(url, trust_env=False).status_code == 200
    assert http.delete(f"{path}?permanent=true").status_code == 200
    assert http.delete(f"{VOICE}?permanent=true").status_code == 200
    for url in (address, sample):
        # The emulator tells nobody whether it is missing or forbidden.
        assert httpx.get(url, trust_env=False).status_code in {403, 404}
    assert not bucket.blob(speech["file_path"]).exists()
