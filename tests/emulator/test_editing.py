"""Editing between the steps of other work, and over HTTP in a large library."""

import os
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore
from google.cloud.firestore_v1.batch import WriteBatch

from local.auth_emulator import sign_up
from tests.contracts.library_contract import NOON, LibraryCalls, generation, voice
from voxshelf.adapters import documents
from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.core.edits import GenerationEdit, VoiceEdit, check_version, edited
from voxshelf.core.query import ListQuery
from voxshelf.use_cases.ports import Renaming

pytestmark = pytest.mark.emulator

BY_NAME = ListQuery(sort="name", descending=False, page_size=100)


class MeddlingClient(firestore.Client):
    """Does `before` and `after` around its next commit, each once."""

    before = after = None

    def batch(self):
        return MeddlingBatch(self)


class MeddlingBatch(WriteBatch):
    def commit(self, **options):
        client = self._client
        before, client.before = client.before, None
        if before:
            before()
        written = super().commit(**options)
        after, client.after = client.after, None
        if after:
            after()
        return written


def editing(edit, versions=None):
    def change(item, now):
        check_version(item, versions)
        return edited(item, edit, now)

    return change


class TestInBetween(LibraryCalls):
    @pytest.fixture
    def shelf(self, firestore_client, uid):
        """Return a library with one voice that has two generations."""
        library = FirestoreLibrary(firestore_client)
        self._save(library, uid, voice())
        for name in ("g0", "g1"):
            self._save(library, uid, generation(name))
        return library

    @pytest.fixture
    def meddling(self):
        client = MeddlingClient(project=os.environ["GCLOUD_PROJECT"])
        yield client
        client.close()

    @pytest.fixture
    def catalogue(self, firestore_client):
        return FirestoreCatalogue(firestore_client)

    def test_an_edit_whose_answer_got_lost_is_no_conflict(self, shelf, meddling, catalogue, uid):
        def lose():
            raise FailedPrecondition("the client's own retry of what had been written")

        meddling.after = lose
        change = editing(VoiceEdit(favorite=True), frozenset({1}))
        after = FirestoreLibrary(meddling).edit(uid, "voices", "voice_a", change)
        assert after == catalogue.voice(uid, "voice_a")
        assert (after.version, after.favorite) == (2, True)

    def test_an_edit_under_a_passing_name_brings_it_not_back(self, shelf, meddling, catalogue, uid):
        shelf.edit(uid, "voices", "voice_a", editing(VoiceEdit(name="aaa")))

        def rename_back():
            shelf.edit(uid, "voices", "voice_a", editing(VoiceEdit(name="VOICE_A")))
            list(shelf.rename_generations(Renaming(uid, "voice_a", NOON)))

        meddling.before = rename_back
        change = editing(GenerationEdit(favorite=True))
        FirestoreLibrary(meddling).edit(uid, "generations", "g0", change)
        other = voice("voice_b", name="B", sample=replace(voice().sample, path="other"))
        self._save(shelf, uid, other, fingerprint="b")
        self._save(shelf, uid, generation("between", voice_id="voice_b", voice_name="B"))
        names = [one.voice_name for one in catalogue.generations(uid, BY_NAME).items]
        assert names == ["B", "VOICE_A", "VOICE_A"]

    def test_what_is_edited_while_a_name_is_spread_is_found_by_both(
        self, shelf, meddling, catalogue, firestore_client, uid
    ):
        renamed = shelf.edit(uid, "voices", "voice_a", editing(VoiceEdit(name="aaa")))
        renaming = Renaming(uid, "voice_a", renamed.saved_at)

        def tag():
            shelf.edit(uid, "generations", "g0", editing(GenerationEdit(tags=("later",))))

        meddling.before = tag
        assert list(FirestoreLibrary(meddling).rename_generations(renaming)) == [2]
        stored = firestore_client.document("users", uid, "generations", "g0").get().to_dict()
        item = catalogue.generation(uid, "g0")
        assert (item.tags, item.voice_name) == (("later",), "aaa")
        assert stored["terms"] == documents.from_item(item)["terms"]


class TestOverHttp:
    # More than a few pages of a rewriting, and within the patience of a request on a busy machine.
    COUNT = 100

    @pytest.fixture
    def user(self):
        host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
        return sign_up(host, "editing@voxshelf.example", "editing-password")

    @pytest.fixture
    def http(self, user):
        headers = {"Authorization": f"Bearer {user.id_token}"}
        site = os.environ["VOXSHELF_SITE_URL"]
        with httpx.Client(
            base_url=f"{site}/api", headers=headers, timeout=60, trust_env=False
        ) as client:
            yield client

    @pytest.fixture
    def library(self, firestore_client, user):
        """Write two voices directly, one of which has spoken many times."""
        items = [voice(generation_count=self.COUNT), voice("voice_m", name="M")]
        items += [
            generation(f"g{number:04}", created_at=NOON + timedelta(seconds=number))
            for number in range(self.COUNT)
        ]
        items.append(generation("m", voice_id="voice_m", voice_name="M"))
        account = firestore_client.collection("users").document(user.uid)
        account.set({"voices": 2, "generations": self.COUNT + 1})
        for start in range(0, len(items), 100):
            batch = firestore_client.batch()
            for item in items[start : start + 100]:
                kind = "generations" if hasattr(item, "generation_id") else "voices"
                fields = {**documents.from_item(item), "status": documents.READY}
                batch.set(account.collection(kind).document(item.item_id), fields)
            batch.commit()

    def test_a_renamed_voice_of_a_large_library_is_sorted_by_its_new_name_at_once(
        self, http, library
    ):
        read = http.get("/voices/voice_a")
        answer = http.patch(
            "/voices/voice_a", json={"name": "Z"}, headers={"If-Match": read.headers["ETag"]}
        )
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
        newest = http.get("/tts/generations", params={"page_size": 5}).json()["generations"]
        assert [one["voice_name"] for one in newest] == ["Z"] * 5
        by_name = {"sort": "name", "order": "asc", "page_size": 2}
        first = http.get("/tts/generations", params=by_name).json()["generations"]
        assert [one["voice_name"] for one in first] == ["M", "Z"]
        for words, count in [("z", 5), ("voice", 0), ("m", 1)]:
            query = {"search": words, "page_size": 5}
            found = http.get("/tts/generations", params=query).json()["generations"]
            assert len(found) == count, words
        by_name["order"] = "desc"
        last = http.get("/tts/generations", params=by_name).json()["generations"]
        assert [one["voice_name"] for one in last] == ["Z", "Z"]
        again = http.patch(
            "/voices/voice_a", json={"name": "Y"}, headers={"If-Match": read.headers["ETag"]}
        )
        assert (again.status_code, again.json()["code"]) == (409, "version_conflict")
        assert again.json()["details"]["voice"] == answer.json()["voice"]
