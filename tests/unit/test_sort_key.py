import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.search import normalised
from voxshelf.core.sort_key import MAX_KEY_CHARACTERS, sort_key

# Firestore's, for texts in an index.
MAX_KEY_BYTES = 1_500
# Few characters, so that names are often alike; digits of several scripts among them.
NAMES = st.text(st.sampled_from("aAäÄbß -.01289٠٢९１Яя北 🎤\u0301"), max_size=12)
ANY_NAMES = st.text(max_size=60) | NAMES


def natural(name):
    """Return what natural order compares, told in another way: numbers and single letters."""
    folded = " ".join(normalised(name).split())
    pieces = re.findall(r"\d+|\D", folded)
    return [(ord("0"), int(one)) if one[0].isdecimal() else (ord(one), 0) for one in pieces]


@given(NAMES, NAMES)
def test_keys_are_in_natural_order(one, other):
    assert (sort_key(one) < sort_key(other)) == (natural(one) < natural(other))
    assert (sort_key(one) == sort_key(other)) == (natural(one) == natural(other))


@given(st.integers(min_value=0), st.integers(min_value=0), st.text("0", max_size=3))
def test_numbers_sort_by_their_value_however_they_are_written(one, other, zeros):
    first, second = sort_key(f"Take {zeros}{one}b"), sort_key(f"take {other}B")
    assert (first < second, first == second) == (one < other, one == other)


def test_numbers_of_any_length_sort_by_their_value():
    runs = ["0", "9", "10", "9" * 9, "1" + "0" * 9, "9" * 99, "1" + "0" * 99, "1" + "0" * 299]
    keys = [sort_key(f"n{run}") for run in runs]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert len(sort_key("7" * 100_000)) == MAX_KEY_CHARACTERS


@given(st.lists(ANY_NAMES, max_size=8))
def test_bytes_sort_as_characters_do(names):
    keys = [sort_key(name) for name in names]
    assert sorted(keys) == sorted(keys, key=lambda key: key.encode("utf-8", "surrogatepass"))


@given(ANY_NAMES | st.text("北\U00020000ﷺ9a", min_size=300, max_size=500))
def test_a_key_fits_into_an_index(name):
    assert len(sort_key(name).encode("utf-8", "surrogatepass")) <= MAX_KEY_BYTES


@given(st.text("a9北\U00020000", min_size=370, max_size=380), st.text("a9北\U00020000"))
def test_a_key_that_is_cut_stands_where_the_whole_one_would(beginning, end):
    one, other = f"{beginning}{end}", f"{beginning[:-1]}b{end}"
    if natural(one) < natural(other):
        assert sort_key(one) <= sort_key(other)


@pytest.mark.parametrize(
    "names",
    [
        ["voice 1", "voice 2", "voice 10", "voice 100"],
        ["Apfel", "Äpfel 2", "apfel 10", "Birne"],
        ["1 Voice", "2 Voices", "10 Voices", "Voice"],
        ["Take 1.2", "Take 1.10", "Take 2.1"],
        ["Lodz 1", "Łódź 2", "lodz 3"],
        ["聲音 2", "聲音 10"],
        ["Голос ٢", "Голос 3", "Голос १०"],
        ["v٩", "v10", "v１１"],
        ["", "!", "1", "a", "🎤"],
    ],
    ids=lambda names: names[0] or "nothing",
)
def test_names_follow_as_people_count_and_spell(names):
    backwards = names[::-1]
    assert sorted(backwards, key=sort_key) == names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Äpfel", "apfel"),
        ("VOICE 2", "voice  2"),
        ("Take 007", "take 7"),
        ("Take ７", "Take ७"),
        ("Straße", "STRASSE"),
        ("Ａｄａ", "ada"),
    ],
)
def test_what_makes_no_difference_to_a_reader_makes_none_to_the_order(one, other):
    assert sort_key(one) == sort_key(other)
