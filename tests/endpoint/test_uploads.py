"""Asking for a place to upload a file to, and giving it back."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.endpoint.conftest import ADA, BOB

WAV = {"size_bytes": 1000, "content_type": "audio/wav"}


def ask(function, body=None, key=None, headers=ADA):
    headers = {**headers, **({"Idempotency-Key": key} if key else {})}
    return function("library").post("/api/uploads", json=body or WAV, headers=headers)


def give_back(function, upload_id, headers=ADA):
    return function("library").delete(f"/api/uploads/{upload_id}", headers=headers)


def test_a_place_is_given_for_one_file_of_a_size_and_type(function, services):
    answer = ask(function)
    assert answer.status_code == 201
    body = answer.get_json()
    upload = body["upload"]
    assert (body["status"], set(body)) == ("success", {"status", "message", "upload"})
    assert re.fullmatch(r"upload_[0-9a-f]{32}", upload["upload_id"])
    assert upload["path"] == f"uploads/ada/{upload['upload_id']}"
    assert (upload["size_bytes"], upload["content_type"]) == (1000, "audio/wav")
    slot = services.upload_slots.find("ada", upload["path"])
    assert datetime.fromisoformat(upload["expires_at"]) == slot.open_until
    assert slot.open_until == slot.created_at + timedelta(days=1)


def test_each_place_is_another_one_unless_a_key_says_otherwise(function):
    answers = [ask(function), ask(function), ask(function, key="k"), ask(function, key="k")]
    ids = [answer.get_json()["upload"]["upload_id"] for answer in answers]
    assert len(set(ids[:3])) == 3
    assert ids[2] == ids[3]
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
    assert replayed == [None, None, None, "true"]
    assert answers[2].get_json() == answers[3].get_json()


def test_a_key_is_for_one_upload(function):
    ask(function, key="k")
    answer = ask(function, {**WAV, "size_bytes": 1001}, key="k")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_conflict")


REFUSED = {
    "no size": ({"content_type": "audio/wav"}, 400, "size_bytes"),
    "nothing": ({"size_bytes": 0, "content_type": "audio/wav"}, 400, "size_bytes"),
    "less than nothing": ({"size_bytes": -1, "content_type": "audio/wav"}, 400, "size_bytes"),
    "half a byte": ({"size_bytes": 1.5, "content_type": "audio/wav"}, 400, "size_bytes"),
    "a flag": ({"size_bytes": True, "content_type": "audio/wav"}, 400, "size_bytes"),
    "a text": ({"size_bytes": "1000", "content_type": "audio/wav"}, 400, "size_bytes"),
    "no type": ({"size_bytes": 1}, 400, "content_type"),
    "a page": ({"size_bytes": 1, "content_type": "text/html"}, 400, "content_type"),
    "a list": ({"size_bytes": 1, "content_type": ["audio/wav"]}, 400, "content_type"),
    "a long type": ({"size_bytes": 1, "content_type": "audio/" + "a" * 999}, 400, "content_type"),
}


@pytest.mark.parametrize(("body", "status", "field"), REFUSED.values(), ids=REFUSED)
def test_what_is_never_uploaded_is_refused(function, services, body, status, field):
    answer = ask(function, body)
    assert (answer.status_code, answer.get_json()["details"]) == (status, {"field": field})
    assert services.upload_slots.slots == {}


@pytest.mark.parametrize("size_bytes", [200 * 1024**2 + 1, 2**62], ids=["200 MiB", "huge"])
def test_what_is_too_large_for_its_type_is_told_the_limit(function, size_bytes):
    answer = ask(function, {**WAV, "size_bytes": size_bytes})
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (413, "payload_too_large")
    assert body["details"] == {"max_bytes": 200 * 1024**2}


def test_a_user_who_has_enough_open_is_told_what_is_enough(function, services):
    services.policy = replace(
        services.policy, limits=replace(services.policy.limits, open_uploads=2)
    )
    first = ask(function).get_json()["upload"]["upload_id"]
    ask(function)
    answer = ask(function)
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (429, "quota_exceeded")
    assert body["details"] == {"limit": "open_uploads", "max": 2}
    assert ask(function, headers=BOB).status_code == 201
    assert give_back(function, first).status_code == 200
    assert ask(function).status_code == 201


def test_a_user_who_had_enough_today_is_told_when_the_day_is_over(function, services):
    services.policy = replace(
        services.policy, limits=replace(services.policy.limits, uploads_per_day=1)
    )
    ask(function)
    answer = ask(function)
    assert answer.get_json()["details"] == {"limit": "uploads_per_day", "max": 1}
    assert 0 < int(answer.headers["Retry-After"]) <= 24 * 3600 + 1


def test_what_is_given_back_is_removed(function, services):
    upload = ask(function).get_json()["upload"]
    services.objects.plant(upload["path"], b"RIFF")
    answer = give_back(function, upload["upload_id"])
    assert answer.status_code == 200
    assert answer.get_json()["upload_id"] == upload["upload_id"]
    assert (services.objects.stored, services.upload_slots.slots) == ({}, {})
    assert give_back(function, upload["upload_id"]).status_code == 404


@pytest.mark.parametrize("upload_id", ["upload_" + "0" * 32, "upload_x", "..", "a" * 300, "ж"])
def test_what_never_was_is_missing(function, upload_id):
    assert give_back(function, upload_id).status_code == 404


def test_nobody_gives_back_what_is_anothers(function, services):
    upload = ask(function).get_json()["upload"]
    services.objects.plant(upload["path"], b"RIFF")
    assert give_back(function, upload["upload_id"], headers=BOB).status_code == 404
    assert upload["path"] in services.objects.stored


def test_reconcile_closes_what_nobody_saved(function, services):
    services.policy = replace(services.policy, upload_for=timedelta(days=-1))
    upload = ask(function).get_json()["upload"]
    services.objects.plant(upload["path"], b"RIFF")
    counts = function("reconcile").post("/").get_json()
    assert (counts["upload_slots"], counts["upload_slots_failed"]) == (1, 0)
    assert (services.objects.stored, services.upload_slots.slots) == ({}, {})
