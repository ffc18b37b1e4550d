"""The local secrets: made once, private, and never overwritten."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.local_secrets import FILE_NAME, ensure_page_token_key


def test_missing_file_is_made_with_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    ensure_page_token_key(tmp_path)

    file = tmp_path / FILE_NAME
    name, _, key = file.read_text().strip().partition("=")
    assert name == "PAGE_TOKEN_KEY"
    assert len(key) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_existing_key_stays(tmp_path: Path) -> None:
    ensure_page_token_key(tmp_path)
    before = (tmp_path / FILE_NAME).read_text()

    ensure_page_token_key(tmp_path)

    assert (tmp_path / FILE_NAME).read_text() == before


def test_other_lines_stay_when_the_key_is_added(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("RUNPOD_API_KEY=abc\n# a remark")

    ensure_page_token_key(tmp_path)

    first, second, third = (tmp_path / FILE_NAME).read_text().splitlines()
    assert (first, second) == ("RUNPOD_API_KEY=abc", "# a remark")
    assert third.startswith("PAGE_TOKEN_KEY=")


def test_starts_at_the_same_moment_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(ensure_page_token_key, [tmp_path] * 16))

    assert len((tmp_path / FILE_NAME).read_text().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
