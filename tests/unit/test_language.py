import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.language import TAG_PATTERN, canonical


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en-us", "en-US"),
        ("en_US", "en-US"),
        ("EN_us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("ZH_HANT_TW", "zh-Hant-TW"),
        ("sr_LATN", "sr-Latn"),
        ("es-419", "es-419"),
        ("SGN-be-FR", "sgn-BE-FR"),
        ("de-ch-1996", "de-CH-1996"),
        ("de-1AB2", "de-1ab2"),
        ("SL-ROZAJ-BISKE", "sl-rozaj-biske"),
        # RFC 5646, section 2.1.1: what follows a singleton is in lower case.
        ("en-ca-x-ca", "en-CA-x-ca"),
        ("EN-CA-X-CA", "en-CA-x-ca"),
        ("AZ-latn-X-LATN", "az-Latn-x-latn"),
        ("en-u-CA-gregory", "en-u-ca-gregory"),
    ],
)
def test_a_tag_has_one_way_to_be_written(tag, expected):
    assert canonical(tag) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "e",
        "english please",
        "en-",
        "-en",
        "en--us",
        "en-us ",
        "en\n",
        "ελ",
        "en.UTF-8",
        "1",
    ],
)
def test_what_has_not_the_shape_of_a_tag_is_none(text):
    assert canonical(text) is None


@given(st.from_regex(re.compile(TAG_PATTERN, re.ASCII), fullmatch=True))
def test_a_canonical_tag_is_the_same_in_any_case_and_again(tag):
    found = canonical(tag)
    assert found is not None
    assert {canonical(one) for one in (found, tag.upper(), tag.lower())} == {found}
    assert found.lower() == tag.lower().replace("_", "-")
