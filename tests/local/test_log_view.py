"""What of the emulators' log the developer sees, and that none of it gets lost."""

import threading
from pathlib import Path

import pytest

from local.log_view import follow, last_lines, worth_showing


@pytest.mark.parametrize(
    "line",
    [
        ">  printed by a function",
        "⚠  functions: The functions emulator failed to start a worker",
        'i  functions: Beginning execution of "us-central1-library"',
        'i  functions: Finished "us-central1-library" in 6.2ms',
        "✔  functions: Loaded functions definitions from source: library.",
    ],
)
def test_line_about_the_functions_is_shown(line: str) -> None:
    assert worth_showing(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "│ Hosting        │ 127.0.0.1:5000  │",
        'i  hosting: 127.0.0.1 - - "GET /api/health HTTP/1.1" 200 21',
        "⚠  firestore: Env variable override detected. Using firestore emulator at x.jar",
    ],
)
def test_line_that_says_nothing_new_is_not(line: str) -> None:
    assert not worth_showing(line)


def test_following_gives_whole_lines_to_the_very_end(tmp_path: Path) -> None:
    log, ended = tmp_path / "log", threading.Event()
    log.write_text("one\ntw")
    shown: list[str] = []
    reader = threading.Thread(target=follow, args=(log, shown.append, ended))
    reader.start()

    with log.open("a") as file:
        file.write("o\nthree")
    ended.set()
    reader.join()

    assert shown == ["one\n", "two\n", "three"]


def test_last_lines_are_the_end_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("one\ntwo\nthree\n")

    assert last_lines(tmp_path / "log", 2) == "two\nthree"
