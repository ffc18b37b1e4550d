from hpack import Encoder
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame

from benchmarks.round_trips import Recorder, RoundTrip, lines, steps

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def trip(started_s, ended_s, name="Commit"):
    return RoundTrip("Firestore", name, started_s, ended_s, 100)


def headers(stream_id, encoder, path):
    block = encoder.encode([(":method", "POST"), (":path", path)])
    return HeadersFrame(stream_id, block, flags=["END_HEADERS"]).serialize()


def end(stream_id):
    return HeadersFrame(stream_id, b"", flags=["END_HEADERS", "END_STREAM"]).serialize()


def test_what_overlaps_is_one_step():
    trips = [trip(0, 2), trip(2, 4), trip(4, 7), trip(5, 8), trip(8, 9)]
    assert steps(trips) == [1, 2, 3, 3, 4]


def test_what_began_before_any_end_is_the_first_step():
    assert steps([trip(0, 9), trip(1, 2), trip(3, 4)]) == [1, 1, 2]


def test_lines_name_step_backend_call_and_size():
    assert lines([trip(0, 1)]) == ["step 1  Firestore  Commit, 0.1 kB sent"]


def test_requests_of_one_http_connection_are_told_apart():
    recorder = Recorder()
    watch = recorder.http()
    watch.sent(b"POST /upload/storage/v1/b/some-bucket/o?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 1.0)
    watch.sent(b"GET is part of the body\r\n", 2.0)
    watch.answered(b"HTTP/1.1 200 OK\r\n", 3.0)
    watch.answered(b"\r\n{}", 4.0)
    watch.sent(b"DELETE /storage/v1/b/some-bucket/o/name HTTP/1.1\r\n\r\n", 5.0)
    watch.answered(b"HTTP/1.1 204 No Content\r\n\r\n", 6.0)
    first, second = recorder.taken()
    assert (first.name, first.started_s, first.ended_s) == (
        "POST /upload/storage/v1/b/*/o?x=1",
        1.0,
        4.0,
    )
    assert first.sent_bytes == len(
        b"POST /upload/storage/v1/b/some-bucket/o?x=1 HTTP/1.1\r\nHost: a"
        b"\r\n\r\nGET is part of the body\r\n"
    )
    assert (second.name, second.started_s, second.ended_s) == (
        "DELETE /storage/v1/b/*/o/name",
        5.0,
        6.0,
    )
    assert recorder.taken() == []


def test_calls_of_one_grpc_connection_are_told_apart_however_the_bytes_are_cut():
    recorder, encoder = Recorder(), Encoder()
    watch = recorder.grpc()
    asked = PREFACE + SettingsFrame(0).serialize()
    asked += headers(1, encoder, "/google.firestore.v1.Firestore/BatchGetDocuments")
    asked += DataFrame(1, b"x" * 20_000, flags=["END_STREAM"]).serialize()
    for start in range(0, len(asked), 1000):
        watch.sent(asked[start : start + 1000], 1.0)
    watch.answered(SettingsFrame(0).serialize() + DataFrame(1, b"found").serialize(), 2.0)
    watch.answered(end(1), 3.0)
    watch.sent(headers(3, encoder, "/google.firestore.v1.Firestore/Commit"), 4.0)
    watch.answered(end(3), 5.0)
    read, commit = recorder.taken()
    assert (read.name, read.started_s, read.ended_s) == ("BatchGetDocuments", 1.0, 3.0)
    assert read.sent_bytes > 20_000
    assert (commit.name, commit.started_s, commit.ended_s) == ("Commit", 4.0, 5.0)
