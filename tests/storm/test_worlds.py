"""A model that believes everything proves nothing: each kind of wrong answer is tried here."""

import random

import pytest

from tests.chaos.clients import Person
from tests.storm.answers import LOST, Answer
from tests.storm.deleting import Deletion, Restoring, Withdrawal
from tests.storm.edits import Edit
from tests.storm.library import SPEECHES, VOICES, Library, Unlike
from tests.storm.reading import Listing, Read, Usage
from tests.storm.sounds import recording
from tests.storm.speech_saves import SaveSpeech
from tests.storm.voice_saves import SaveVoice
from tests.storm.worlds import NEVER, Worlds

PERSON = Person("u" * 28, "token")
DICE = random.Random(1)
NOT_FOUND = Answer(404, {"code": "not_found"})


def voice(number=1, *, name="Ana", key=None, **fields):
    fields = {"voice_name": name, "language": "en", **fields}
    return SaveVoice(number, PERSON, recording(DICE), "form", fields, key)


def speech(number=2, *, key=None, **fields):
    fields = {"voice_id": "voice_ana", "text_input": "Hello.", "language": "en", **fields}
    return SaveSpeech(number, PERSON, recording(DICE), "form", fields, key)


def shown(kind, item_id, facts):
    """Return an item as the API shows it."""
    file = {"size_bytes": facts["bytes"], "duration_s": facts["audio_ms"] / 1000}
    file |= {"sha256": facts["audio"]}
    body = {**facts, "tags": list(facts["tags"])}
    if kind == VOICES:
        consent = facts["consent"]
        given = consent and {"statement": consent[0], "granted_by": consent[1]}
        return body | {"voice_id": item_id, "sample": file, "profile": None, "consent": given}
    return body | {"generation_id": item_id, "audio": file}


def saved(save, item_id, *, replayed=False, **changes):
    """Return the answer to a save that made a new item, or what is `changes` of it."""
    kind, name = save.kind, save.body_name
    facts = save._put(Library(), item_id).items(kind)[item_id]
    body = {name: shown(kind, item_id, facts | changes)}
    return Answer(201, body, replayed)


def listing(worlds, kind=VOICES, *, without=(), **changes):
    items = worlds.library.items(kind)
    bodies = [shown(kind, one, f | changes) for one, f in items.items() if one not in without]
    return Answer(200, {"items": bodies})


def lists(kind=VOICES):
    return Listing(9, PERSON, kind, {"page_size": 100})


def deletes(kind, item_id, **how):
    return Deletion(8, PERSON, ((kind, item_id),), **how)


DELETED = Answer(200, {})


@pytest.fixture
def worlds():
    """One user's worlds: a voice and a speech of it are saved."""
    made = Worlds(Library())
    first, second = voice(), speech()
    tell(made, first, saved(first, "voice_ana"))
    tell(made, second, saved(second, "TTS_1"))
    made.first, made.second = first, second
    return made


def tell(worlds, operation, answer):
    heard = [(operation, answer)] if answer.is_heard else []
    worlds.heard(heard, lost=() if heard else [operation], now=100)


def test_what_was_acknowledged_is_listed_as_it_was_saved(worlds):
    tell(worlds, lists(), listing(worlds))
    tell(worlds, lists(SPEECHES), listing(worlds, SPEECHES))
    assert worlds.is_certain


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (lists(), lambda w: listing(w, without=["voice_ana"])),
        (lists(), lambda w: listing(w, version=2)),
        (lists(), lambda w: listing(w, audio="other bytes")),
        (lists(), lambda w: listing(w, favorite=True)),
        (lists(SPEECHES), lambda w: listing(w, SPEECHES, text="Other.")),
        (Read(3, PERSON, VOICES, "voice_ana"), lambda _: NOT_FOUND),
        (Usage(3, PERSON), lambda _: Answer(200, {"totals": {"voices": 2}})),
        (deletes(VOICES, "voice_ana"), lambda _: NOT_FOUND),
        (deletes(VOICES, "voice_eve"), lambda _: DELETED),
        (Edit(3, PERSON, VOICES, "voice_ana", {"favorite": True}), lambda _: NOT_FOUND),
        (Withdrawal(3, PERSON, "voice_eve"), lambda _: DELETED),
        (
            Restoring(3, PERSON, ((VOICES, "voice_eve"),)),
            lambda _: Answer(200, {"results": [{"code": None}]}),
        ),
        (speech(5, voice_id="voice_eve"), lambda _: saved(speech(5), "TTS_9")),
        (voice(5, name="Ben"), lambda _: Answer(409, {"code": "voice_exists"})),
        (voice(5, name="Ben"), lambda _: Answer(409, {"code": "in_progress"})),
        (voice(5, name="Ben"), lambda _: Answer(403, {"code": "permission_denied"})),
        (voice(5, name="Ben"), lambda _: Answer(500, {"code": "internal"})),
    ],
    ids=[
        "lost voice",
        "version",
        "bytes",
        "field",
        "text",
        "read",
        "totals",
        "delete refused",
        "delete of nothing",
        "edit refused",
        "withdrawal of nothing",
        "restore of nothing",
        "speech of nobody",
        "free name refused",
        "nothing in progress",
        "nothing barred",
        "internal",
    ],
)
def test_an_answer_that_cannot_be_is_seen(worlds, operation, answer):
    with pytest.raises(Unlike):
        tell(worlds, operation, answer(worlds))


def test_a_voice_that_nobody_saved_is_seen_in_a_list(worlds):
    stranger = voice(7, name="Eve")
    answer = Answer(
        200, {"items": [*listing(worlds).body["items"], saved(stranger, "x").body["voice"]]}
    )
    with pytest.raises(Unlike):
        tell(worlds, lists(), answer)


def test_the_same_speech_saved_twice_is_seen(worlds):
    with pytest.raises(Unlike, match="saved twice"):
        tell(worlds, worlds.second, saved(worlds.second, "TTS_2"))
    tell(worlds, worlds.second, saved(worlds.second, "TTS_1", replayed=True))


def test_success_for_bytes_that_are_not_kept_is_seen(worlds):
    other = voice(6, replace=True)
    with pytest.raises(Unlike, match="not kept"):
        tell(worlds, other, saved(worlds.first, "voice_ana", replayed=True))


def test_a_key_with_another_answer_than_the_first_is_seen(worlds):
    keyed = speech(4, key="k")
    tell(worlds, keyed, saved(keyed, "TTS_4"))
    tell(worlds, keyed, saved(keyed, "TTS_4", replayed=True))
    for answer in (saved(keyed, "TTS_5"), saved(keyed, "TTS_5", replayed=True)):
        with pytest.raises(Unlike):
            tell(worlds, keyed, answer)


def test_a_key_tells_nothing_of_a_voice_whose_consent_was_withdrawn(worlds):
    keyed = voice(4, name="Ben", key="k")
    tell(worlds, keyed, saved(keyed, "voice_ben"))
    tell(worlds, Withdrawal(5, PERSON, "voice_ben"), DELETED)
    with pytest.raises(Unlike, match="withdrawn"):
        tell(worlds, keyed, saved(keyed, "voice_ben", replayed=True))


@pytest.mark.parametrize("happened", [False, True])
def test_a_save_without_an_answer_may_be_there_or_not_until_its_lease_is_over(worlds, happened):
    perhaps = voice(6, name="Ben")
    tell(worlds, perhaps, LOST)
    assert len(worlds.possible()) == 2
    worlds.outlived(101)
    library = next(one for one in worlds.possible() if ("voice_ben" in one.voices) == happened)
    bodies = [shown(VOICES, one, facts) for one, facts in library.voices.items()]
    tell(worlds, lists(), Answer(200, {"items": bodies}))
    assert worlds.is_certain
    with pytest.raises(Unlike):
        tell(
            worlds,
            Read(7, PERSON, VOICES, "voice_ben"),
            NOT_FOUND if happened else saved(perhaps, "voice_ben"),
        )


def test_speech_whose_id_was_never_heard_is_known_by_its_bytes(worlds):
    perhaps = speech(6, text_input="Perhaps.")
    tell(worlds, perhaps, LOST)
    tell(worlds, Read(7, PERSON, SPEECHES, "TTS_7"), Answer(200, saved(perhaps, "TTS_7").body))
    assert "TTS_7" in worlds.library.generations


def test_what_goes_with_a_voice_may_go_later_and_goes_in_the_end(worlds):
    tell(worlds, deletes(VOICES, "voice_ana", along=True), LOST)
    tell(worlds, Read(7, PERSON, VOICES, "voice_ana"), NOT_FOUND)
    assert {len(one.generations) for one in worlds.possible()} == {0, 1}
    worlds.outlived(2 * NEVER)
    assert [len(one.generations) for one in worlds.possible()] == [0]


def test_operations_at_the_same_time_may_come_in_any_order_but_must_come_in_one(worlds):
    edit = Edit(5, PERSON, VOICES, "voice_ana", {"favorite": True})
    done = Answer(
        200,
        {
            "voice": shown(
                VOICES,
                "voice_ana",
                worlds.library.voices["voice_ana"] | {"favorite": True, "version": 2},
            )
        },
    )
    both = [(deletes(VOICES, "voice_ana"), DELETED), (edit, done)]
    worlds.heard(both, lost=(), now=100)
    assert worlds.library.trash[VOICES, "voice_ana"].facts["version"] == 2
    with pytest.raises(Unlike):
        worlds.heard([(deletes(VOICES, "voice_ana"), DELETED), (edit, done)], lost=(), now=100)


def test_a_save_under_way_is_ended_by_a_deletion_in_its_place(worlds):
    tell(worlds, voice(6, name="Ben"), LOST)
    tell(worlds, deletes(VOICES, "voice_ben"), DELETED)
    assert all("voice_ben" not in one.voices for one in worlds.possible())


def test_a_save_sent_beside_a_deletion_may_be_begun_after_it(worlds):
    perhaps = voice(6, name="Ben")
    tell(worlds, perhaps, LOST)
    worlds.heard([(deletes(VOICES, "voice_ben"), DELETED)], lost=(perhaps,), now=100)
    tell(worlds, perhaps, saved(perhaps, "voice_ben", replayed=True))
    assert "voice_ben" in worlds.library.voices


def test_a_voice_comes_back_with_what_went_with_it(worlds):
    before = worlds.library
    tell(worlds, deletes(VOICES, "voice_ana", along=True), DELETED)
    assert worlds.library.generations == {}
    back = Restoring(6, PERSON, ((VOICES, "voice_ana"),))
    tell(worlds, back, Answer(200, {"results": [{"code": None}]}))
    assert worlds.library == before


@pytest.mark.parametrize(("again", "open_"), [(False, 1), (True, 2)])
def test_what_is_sent_twice_without_an_answer_happens_once_unless_it_asks_for_more(
    worlds, again, open_
):
    perhaps = speech(6, again=again)
    tell(worlds, perhaps, LOST)
    tell(worlds, perhaps, LOST)
    assert worlds.most_unheard == open_
