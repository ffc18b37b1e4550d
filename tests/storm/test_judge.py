"""A judge who finds nothing proves nothing: a drift, a loss and an orphan are planted here."""

import os
import random

import pytest

from tests.storm.deleting import Deletion
from tests.storm.fleet import Fleet
from tests.storm.judge import Judge
from tests.storm.library import SPEECHES, VOICES
from tests.storm.paths import Sequence
from tests.storm.record import Record
from tests.storm.shared import Shared
from tests.storm.sounds import profile, recording
from tests.storm.speech_saves import SaveSpeech
from tests.storm.user import User
from tests.storm.voice_saves import SaveVoice

pytestmark = [pytest.mark.emulator, pytest.mark.slow, pytest.mark.timeout(300)]
DICE = random.Random(2)


@pytest.fixture(scope="module")
def fleet(lab):
    with Fleet(lab, os.environ) as opened:
        opened.is_calm = True
        yield opened


class Shelf:
    """A user with two voices and a speech, one voice of them in the trash."""

    def __init__(self, fleet):
        fleet.lab.clear()
        fleet.wrong.clear()
        self.fleet, self.record = fleet, Record(0)
        self.user = User(fleet, Shared(), self.record, 1)
        self.voice = self.save(SaveVoice, voice_name="Ana", language="en")
        self.save(SaveVoice, voice_name="Ben", language="en")
        said = {"voice_id": "voice_ana", "text_input": "Hello.", "language": "en"}
        self.speech = self.save(SaveSpeech, **said)
        self.does(Deletion(4, self.user.person, ((VOICES, "voice_ben"),)))
        self.account = fleet.lab.client.document("users", self.user.person.uid)

    def save(self, kind, **fields):
        beside = profile(DICE) if kind is SaveVoice else None
        number = len(self.user.dice.saved)
        person, sound = self.user.person, recording(DICE)
        save = kind(number, person, sound, "form", fields, f"key {number}", beside)
        self.user.dice.saved.append(save)
        self.does(save)
        return save

    def does(self, operation):
        self.user._take([operation], [operation.send(self.fleet)])
        assert not self.record.violations

    def document(self, kind, item_id):
        return self.account.collection(kind).document(item_id)

    @property
    def speech_document(self):
        return self.document(SPEECHES, self.speech.first["generation_id"])

    def judged(self):
        Judge(self.fleet, self.record, lambda: None).judge([self.user])
        return "\n".join(self.record.violations)


@pytest.fixture
def shelf(fleet):
    return Shelf(fleet)


def test_nothing_is_wrong_with_what_nobody_has_touched(shelf):
    assert shelf.judged() == ""
    assert shelf.record.checked["addresses that play"] == 3
    assert shelf.record.checked["keys"] == 3


PLANTED = {
    "drifted counter": (lambda s: s.account.update({"bytes": 7}), "counters"),
    "drifted count of a voice": (
        lambda s: s.document(VOICES, "voice_ana").update({"generation_count": 5}),
        "counters",
    ),
    "lost speech": (lambda s: s.speech_document.delete(), "should be listed"),
    "lost object": (lambda s: s.fleet.lab.bucket.remove(s.voice.first["sample_file"]), "missing"),
    "other bytes": (
        lambda s: s.fleet.lab.bucket.plant(s.voice.first["sample_file"], b"other"),
        "holds other bytes",
    ),
    "undone edit": (
        lambda s: s.document(VOICES, "voice_ana").update({"language": "de"}),
        "language is",
    ),
    "what nobody saved": (
        lambda s: s.document(SPEECHES, "TTS_x").set(s.speech_document.get().to_dict()),
        "counters",
    ),
    "emptied trash": (lambda s: s.document(VOICES, "voice_ben").delete(), "in the trash"),
    "forgotten key": (
        lambda s: [one.reference.delete() for one in s.account.collection("requests").stream()],
        "its key has an answer",
    ),
    "living address": (
        lambda s: s.user.urls.add(s.planted_address()),
        "is gone, and plays 200",
    ),
    "server error": (lambda s: s.fleet.wrong.append("500"), "5xx"),
}


@pytest.mark.parametrize(("plant", "found"), PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found(shelf, plant, found):
    shelf.planted_address = lambda: planted_address(shelf)
    plant(shelf)
    assert found in shelf.judged()


def planted_address(shelf):
    """Return an address, of no item of anybody, that plays."""
    bucket = shelf.fleet.lab.bucket_name
    path = f"uploads/{shelf.user.person.uid}/planted.wav"
    shelf.fleet.lab.bucket.plant(path, b"planted")
    return f"/download/storage/v1/b/{bucket}/o/{path.replace('/', '%2F')}?alt=media"


def test_an_object_that_no_document_names_is_found_by_reconcile_or_by_the_judge(shelf):
    path = f"tts_generations/{shelf.user.person.uid}/planted.wav"
    shelf.fleet.lab.bucket.plant(path, b"planted")
    assert shelf.judged() == ""
    assert shelf.fleet.lab.bucket.read(path) is None


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (lambda s: s.acknowledged.append("f" * 64), "was acknowledged, and is lost"),
        (lambda s: s.fleet.lab.bucket.remove(s.path), "gone from its path"),
        (lambda s: None, ""),
    ],
    ids=["acknowledged bytes are lost", "an upload is removed", "nothing"],
)
def test_lost_bytes_of_an_upload_path_are_found(fleet, plant, found):
    fleet.lab.clear()
    sequence = Sequence(fleet, fleet.person(), 3, random.Random(1))
    sequence._upload()
    plant(sequence)
    told = "; ".join(sequence.judged(fleet.lab.checker.look()))
    assert (found in told) if found else told == ""
