"""The site: nothing inline, nothing from elsewhere, and its copy of Swagger UI."""

import os
import re
from pathlib import Path

import pytest

from local.layout import ROOT
from local.site import FILES, SWAGGER_UI, copy_vendor

SITE = ROOT / "site"
PAGES = pytest.mark.parametrize(
    "page", [SITE / "index.html", SITE / "docs" / "index.html"], ids=["front", "docs"]
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "swagger-ui-dist"
    source.mkdir()
    for name in FILES:
        (source / name).write_text(name)
    return source


@PAGES
def test_a_page_has_nothing_inline_that_a_strict_policy_would_refuse(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html) == []


@PAGES
def test_a_page_loads_nothing_from_elsewhere(page: Path) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page.read_text(encoding="utf-8"))
    assert addresses
    assert [address for address in addresses if not re.match(r"/(?!/)", address)] == []


@PAGES
def test_what_a_page_refers_to_is_on_the_site(page: Path) -> None:
    for address in re.findall(r'(?:src|href)="(/[^"]*\.\w+)"', page.read_text(encoding="utf-8")):
        in_vendor = address.startswith("/docs/vendor/") and Path(address).name in FILES
        assert in_vendor or (SITE / address.lstrip("/")).is_file()


def test_the_copied_files_are_in_the_pinned_package() -> None:
    if not SWAGGER_UI.exists():
        pytest.skip("node_modules is not installed")
    assert [name for name in FILES if not (SWAGGER_UI / name).is_file()] == []


def test_a_first_copy_brings_every_file_and_a_second_none(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "vendor"
    assert [path.name for path in copy_vendor(source, target)] == list(FILES)
    assert copy_vendor(source, target) == []


def test_a_file_that_changed_is_copied_again(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "vendor"
    copy_vendor(source, target)
    changed = source / "swagger-ui.css"
    changed.write_text("SWAGGER-UI.CSS"[: len("swagger-ui.css")])
    os.utime(changed, ns=(1, 1))
    assert copy_vendor(source, target) == [target / "swagger-ui.css"]
    assert (target / "swagger-ui.css").read_text() == changed.read_text()
