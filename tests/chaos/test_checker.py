"""A checker that cannot fail proves nothing: one violation of each invariant is planted here."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.clients import Delete, speech_save, voice_save
from tests.chaos.experiment import Result, begun
from tests.chaos.invariants import changed, lost_to_reconcile
from tests.chaos.lab import LEASE_S

pytestmark = pytest.mark.emulator


class Shelf:
    """One user's voice and speech, saved without a fault."""

    def __init__(self, lab):
        self.lab, self.person = lab, lab.person()
        self.voice = voice_save(self.person)
        [saved] = lab.saved(self.voice)
        self.speech = speech_save(self.person, saved.body["voice_id"], key="speech")
        [spoken] = lab.saved(self.speech)
        self.voice_path = saved.body["voice"]["sample"]["path"]
        user = lab.client.document("users", self.person.uid)
        self.account = user
        self.voice_document = user.collection("voices").document(saved.body["voice_id"])
        generations = user.collection("generations")
        self.speech_document = generations.document(spoken.body["generation_id"])
        self.copy = generations.document("TTS_voice_copy")

    def delete(self):
        voice_id = self.voice_document.id
        self.lab.deleted(Delete(self.person, "voices", self.voice.label, voice_id))

    def always(self):
        return {v.invariant for v in self.lab.checker.always(self.lab.checker.look())}

    def settled(self):
        return {v.invariant for v in self.lab.checker.settled(self.lab.checker.look(), LEASE_S)}


@pytest.fixture
def shelf(clean):
    return Shelf(clean)


def test_a_sound_library_violates_nothing(shelf):
    assert shelf.always() == set()
    assert shelf.settled() == set()


def test_i1_a_missing_object_is_seen(shelf):
    shelf.lab.bucket.remove(shelf.voice_path)
    assert shelf.always() == {"I1"}


def test_i1_other_bytes_are_seen(shelf):
    shelf.lab.bucket.plant(shelf.voice_path, b"other bytes")
    assert shelf.always() == {"I1"}


@pytest.mark.parametrize("prefix", ["voice_samples", "voice_profiles", "tts_generations"])
def test_i2_an_object_without_a_document_is_seen(shelf, prefix):
    shelf.lab.bucket.plant(f"{prefix}/{shelf.person.uid}/planted.wav", b"planted")
    assert shelf.settled() == {"I2"}


def test_i2_a_pending_save_beyond_its_lease_is_seen_and_one_within_is_not(shelf):
    now = shelf.lab.checker.look().now
    pending = {"item": {}, "since": now - timedelta(seconds=LEASE_S + 60)}
    shelf.voice_document.update({"pending": pending})
    assert shelf.settled() == {"I2"}
    shelf.voice_document.update({"pending.since": now})
    assert shelf.settled() == set()


@pytest.mark.parametrize(
    "fields",
    [
        {"garbage": ["voice_samples/x/y.wav"]},
        {"trash.purging": True},
        {"trash.taking": True},
        {"trash.purge_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_i2_unfinished_work_is_seen(shelf, fields):
    shelf.delete()
    assert shelf.settled() == set()
    shelf.voice_document.update(fields)
    assert shelf.settled() == {"I2"}


def test_what_lies_in_the_trash_violates_nothing_and_is_missed_when_it_is_gone(shelf):
    shelf.delete()
    view = shelf.lab.checker.look()
    assert (shelf.always(), view.leftovers, view.unsettled) == (set(), set(), False)
    shelf.lab.bucket.remove(shelf.voice_path)
    assert shelf.always() == {"I1"}


def test_i2_a_rename_that_is_not_finished_is_seen(shelf):
    shelf.account.collection("renamings").document("voice_alba").set({"name": "New"})
    assert shelf.settled() == {"I2"}


@pytest.mark.parametrize("kept", ["voice", "speech"])
def test_i2_speech_that_is_kept_under_another_name_than_its_voice_has_is_seen(shelf, kept):
    if kept == "voice":
        shelf.speech_document.update({"voice_name": "New"})
    else:
        shelf.voice_document.update({"name": "New"})
    assert shelf.settled() == {"I2"}
    shelf.voice_document.update({"name": "Alba"})
    shelf.speech_document.update({"voice_name": "Alba"})
    assert shelf.settled() == set()


def test_i3_a_save_that_is_there_twice_is_seen(shelf):
    shelf.copy.set(shelf.speech_document.get().to_dict())
    assert "I3" in shelf.always()


def test_i4_an_acknowledged_save_that_is_gone_is_seen_as_lost(shelf):
    shelf.speech_document.delete()
    violations = shelf.lab.checker.always(shelf.lab.checker.look())
    result = Result("planted")
    result.blame(violations)
    assert (result.violations, result.lost, result.failed) == ({"I4": 1}, 1, True)


def test_i4_an_acknowledged_save_that_reads_back_otherwise_is_seen(shelf):
    newer = voice_save(shelf.person, "Another")
    shelf.lab.saved(newer)
    fields = shelf.account.collection("voices").document("voice_another").get().to_dict()
    shelf.voice_document.update({name: fields[name] for name in ("sample", "profile")})
    assert "I4" in shelf.always()


def test_i4_a_save_that_was_not_acknowledged_may_be_there_or_not(shelf):
    sent = voice_save(shelf.person, "Perhaps")
    shelf.lab.ledger.sent(sent.person.uid, sent.kind, sent.label, sent.state)
    assert shelf.always() == set()


def test_i5_an_object_in_another_users_folder_is_seen(shelf):
    stranger = shelf.lab.person()
    path = shelf.voice_path.replace(shelf.person.uid, stranger.uid)
    shelf.lab.bucket.plant(path, shelf.voice.audio)
    shelf.voice_document.update({"sample.path": path})
    assert "I5" in shelf.always()


def test_i5_a_change_of_a_user_who_did_nothing_is_seen(shelf):
    before = shelf.lab.checker.look()
    shelf.voice_document.update({"favorite": True})
    after = shelf.lab.checker.look()
    assert [v.invariant for v in changed(before, after, shelf.person.uid)] == ["I5"]
    assert changed(before, before, shelf.person.uid) == []


def test_i7_a_retry_that_does_not_converge_is_seen(clean):
    with begun(clean, "planted") as experiment:
        hopeless = speech_save(clean.person(), "voice_never")
        experiment.retried([hopeless])
        assert experiment.result.violations == {"I7": 1}


def test_i7_a_save_that_is_not_there_after_its_retries_is_seen(clean):
    with begun(clean, "planted") as experiment:
        experiment.judge([voice_save(clean.person())])
        assert experiment.result.violations == {"I7": 1}


def test_i7_an_answer_500_is_seen(clean):
    with begun(clean, "planted") as experiment:
        save = voice_save(clean.person())
        experiment.note([save], [type(clean.saved(save)[0])(500, {"code": "internal"})])
        assert experiment.result.violations == {"I7": 1}


@pytest.mark.parametrize("deleted", [False, True], ids=["ready", "in the trash"])
@pytest.mark.parametrize("what", ["object", "document"])
def test_i8_what_reconcile_would_take_away_is_seen(shelf, what, deleted):
    if deleted:
        shelf.delete()
    before = shelf.lab.checker.look()
    if what == "object":
        shelf.lab.bucket.remove(shelf.voice_path)
    else:
        shelf.voice_document.delete()
    after = shelf.lab.checker.look()
    assert {v.invariant for v in lost_to_reconcile(before, after)} == {"I8"}
    assert lost_to_reconcile(before, before) == []


@pytest.mark.parametrize("field", ["voices", "generations", "bytes", "audio_ms", "reserved.bytes"])
def test_a_wrong_counter_is_seen(shelf, field):
    shelf.account.update({field: 7})
    assert shelf.settled() == {"counters"}


@pytest.mark.parametrize("deleted", [False, True], ids=["ready", "in the trash"])
def test_a_wrong_count_at_a_voice_is_seen(shelf, deleted):
    if deleted:
        shelf.delete()
    shelf.voice_document.update({"generation_count": 2})
    assert shelf.settled() == {"counters"}
