"""What a user has, may have, and saved when."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.endpoint.conftest import BOB
from tests.endpoint.test_library import get
from tests.endpoint.test_saves import save_speech, save_voice
from tests.sounds import wav

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
NOTHING = {"voices": 0, "generations": 0, "bytes": 0, "audio_s": 0.0}


def usage(function, **options):
    answer = get(function, "/api/library/usage", **options)
    assert answer.status_code == 200
    return answer.get_json()


def test_saves_are_counted_by_day_and_month_and_taken_from_the_limits(function, services):
    services.library.now = lambda: NOW
    account = services.library.accounts
    save_voice(function)
    speech = save_speech(function).get_json()["generation"]
    account["ada"] = replace(account["ada"], limits={"voices": 3})
    size_bytes = len(wav(1.0)) + speech["file_size"]
    audio_s = 1.0 + speech["audio"]["duration_s"]
    saved = {"voices": 1, "generations": 1, "bytes": size_bytes, "audio_s": audio_s}
    assert usage(function) == {
        "status": "success",
        "totals": saved,
        "reserved": NOTHING,
        "limits": {"voices": 3, "generations": 100, "bytes": 10**9, "saves_per_day": 1000},
        "left": {
            "voices": 2,
            "generations": 99,
            "bytes": 10**9 - size_bytes,
            "saves_per_day": 998,
        },
        "today": {"day": "2026-11-22", "saves": 2, **saved},
        "months": [{"month": "2026-11", **saved}],
        "days": [{"day": "2026-11-22", **saved}],
    }


def test_what_was_saved_yesterday_is_not_todays(function, services):
    services.library.now = lambda: NOW
    save_voice(function)
    services.library.now = lambda: NOW.replace(day=23)
    body = usage(function)
    assert body["today"] == {"day": "2026-11-23", "saves": 0, **NOTHING}
    assert [day["day"] for day in body["days"]] == ["2026-11-22"]


def test_a_refused_save_is_counted_among_the_saves_only(function, services):
    services.objects.failing_paths.add("voice_samples")
    assert save_voice(function).status_code == 503
    body = usage(function)
    assert (body["today"]["saves"], body["today"]["voices"]) == (1, 0)
    assert (body["totals"], body["reserved"], body["days"]) == (NOTHING, NOTHING, [])


def test_everybody_sees_his_own_usage(function, services):
    save_voice(function)
    body = usage(function, headers=BOB)
    assert (body["totals"], body["months"], body["days"]) == (NOTHING, [], [])
