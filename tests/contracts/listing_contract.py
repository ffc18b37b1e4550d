"""What every `Catalogue` must find, in which order, and page by page.

The fixture `fill` puts items into a user's library, as they are after their saves.
"""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.library_contract import NOON, LibraryCalls, generation, voice
from voxshelf.core.errors import InvalidRequest
from voxshelf.core.query import GENERATION_FILTERS, MAX_COUNTED, ListQuery
from voxshelf.core.search import Search
from voxshelf.core.sort_key import sort_key

DAY = timedelta(days=1)
ORDERS = list(itertools.product(("created_at", "updated_at", "name"), (True, False)))
# A name, what finds it, and what does not.
SCRIPTS = {
    "Latin": (
        "Zoë Müller-Çelik",
        ["zoe", "MULLER", "çel", "müll zo"],
        ["elik", "zoo", "müller elik"],
    ),
    "Polish": ("Łódź Ærø", ["ł", "l", "LODZ", "łódź", "æ", "aero"], ["odz", "ro"]),
    "Greek": ("Αθηνά Παπαδοπούλου", ["αθηνα", "ΠΑΠΑΔΟ", "Αθη παπα"], ["θηνα"]),
    "Cyrillic": ("Тёплый Голос", ["теплый", "ГОЛОС", "тёп"], ["олос"]),
    "Arabic": ("صَوْت أحمد", ["صوت", "احمد", "أح"], ["حمد"]),
    "Hebrew": ("קוֹל שָׁלוֹם", ["קול", "שלום", "של"], ["לום"]),
    "Devanagari": ("हिन्दी आवाज़", ["हिन्दी", "आवा", "हि आ"], ["वाज़", "हा"]),
    "Thai": ("เสียงภาษาไทย", ["ภาษาไทย", "เสียง", "ไท"], ["ไทยภาษา"]),
    "Han": ("北京的聲音", ["北京", "聲音", "京的聲", "音"], ["北的", "東京"]),
    "Kana": ("やさしいガイド", ["やさしい", "ガイド", "ｶﾞｲ", "さしい"], ["カイド", "しや"]),
    "Hangul": ("서울 목소리", ["서울", "목소", "목"], ["소리"]),
}
WARM, COLD = "warm words", "cold words"


ORDERED_HERE = [order for order in ORDERS if order != ("created_at", True)]


def search(text: str) -> ListQuery:
    return ListQuery(search=Search.parse(text), include_total=True)


def read_all(read_page, query):
    """Return the items of all pages, and how many each page had."""
    items, sizes = [], []
    while True:
        page = read_page(query)
        items += page.items
        sizes.append(len(page.items))
        if page.next is None:
            return items, sizes
        query = replace(query, after=page.next)


class ListingContract(LibraryCalls):
    """Searching, filtering, sorting and paging."""

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_names_are_found_in_every_script(self, shelf, uid, fill, script):
        name, finding, missing = SCRIPTS[script]
        fill(uid, voice(name=name, tags=(), description=None))
        fill(uid, voice("voice_b", name="another"))
        for text in finding:
            page = shelf.voices(uid, search(text))
            assert ([one.name for one in page.items], page.total) == ([name], 1), text
        for text in missing:
            page = shelf.voices(uid, search(text))
            assert (page.items, page.total) == ((), 0), text

    def test_voices_are_found_by_description_and_tags_too(self, shelf, uid, fill):
        fill(uid, voice(name="One", description="Deep and slow", tags=("Night",)))
        for text in ["deep", "nigh", "one slow", "slow night"]:
            assert len(shelf.voices(uid, search(text)).items) == 1, text
        assert shelf.voices(uid, search("one fast")).items == ()

    def test_generations_are_found_by_text_voice_and_tags(self, shelf, uid, fill):
        fill(uid, voice(name="Narrator"))
        spoken = generation("g1", voice_name="Narrator", text="Once upon a time", tags=("Fable",))
        fill(uid, spoken)
        for text in ["narr", "upon", "fab", "time once", "narrator time fable"]:
            assert len(shelf.generations(uid, search(text)).items) == 1, text
        assert shelf.generations(uid, search("once never")).items == ()

    def test_a_text_is_found_by_words_far_into_it(self, shelf, uid, fill):
        fill(uid, voice())
        text = " ".join(f"word{number}" for number in range(300)) + " Finally"
        fill(uid, generation("g1", text=text))
        assert len(shelf.generations(uid, search("finally")).items) == 1

    def test_a_generation_without_text_is_found_by_its_voice(self, shelf, uid, fill):
        fill(uid, voice(name="Narrator"))
        fill(uid, generation("g1", voice_name="Narrator", text=None))
        assert len(shelf.generations(uid, search("narrator")).items) == 1

    def test_long_words_are_told_apart_by_their_ends(self, shelf, uid, fill):
        fill(uid, voice(name="Donaudampfschiff"))
        fill(uid, voice("voice_b", name="Donaudampfmaschine"))
        assert [v.name for v in shelf.voices(uid, search("donaudampfs")).items] == [
            "Donaudampfschiff"
        ]
        assert shelf.voices(uid, search("donaudampf")).total == 2

    def test_a_tag_is_a_filter_only_as_it_is_written(self, shelf, uid, fill):
        fill(uid, voice(tags=("Tall Tales", "#1")))
        for tag, expected in [("Tall Tales", 1), ("tall tales", 0), ("Tall", 0), ("#1", 1)]:
            query = ListQuery(filters={"tag": tag}, include_total=True)
            page = shelf.voices(uid, query)
            assert (len(page.items), page.total) == (expected, expected), tag

    def test_many_long_tags_are_all_filters(self, shelf, uid, fill):
        tags = tuple(f"{number:02} {'x' * 47}" for number in range(20))
        fill(uid, voice(tags=tags, description="word " * 200))
        for tag in tags:
            assert len(shelf.voices(uid, ListQuery(filters={"tag": tag})).items) == 1

    def test_dates_include_the_first_moment_and_not_the_last(self, shelf, uid, fill):
        fill(uid, voice())
        for number in range(4):
            fill(uid, generation(f"g{number}", created_at=NOON + number * DAY))
        query = ListQuery(
            created_after=NOON + DAY, created_before=NOON + 3 * DAY, include_total=True
        )
        page = shelf.generations(uid, query)
        assert ([one.item_id for one in page.items], page.total) == (["g2", "g1"], 2)

    @pytest.mark.parametrize("sort", ["created_at", "name"])
    def test_dates_with_no_time_between_them_find_nothing(self, shelf, uid, fill, sort):
        fill(uid, generation("g1"))
        for before in (NOON, NOON - DAY):
            query = ListQuery(sort, created_after=NOON, created_before=before, include_total=True)
            page = shelf.generations(uid, query)
            assert (page.items, page.next, page.total) == ((), None, 0)

    def test_a_replaced_voice_is_found_by_its_new_words_alone(self, shelf, uid):
        self._save(shelf, uid, voice(name="First", tags=("old",)))
        newer = voice(name="Second", version=2, tags=("new",))
        self._save(shelf, uid, newer, fingerprint="f2", replace=True)
        assert shelf.voices(uid, search("first")).items == ()
        assert shelf.voices(uid, search("second")).items == (newer,)
        assert shelf.voices(uid, ListQuery(filters={"tag": "old"})).items == ()
        assert shelf.voices(uid, ListQuery(filters={"tag": "new"})).items == (newer,)

    def test_every_combination_of_filters_pages_completely_without_repeats(self, shelf, uid, fill):
        made = _varied(fill, uid)
        conditions = {
            "search": ({"search": Search.parse("warm wor")}, lambda g: g.text == WARM),
            "voice_id": ({}, lambda g: g.voice_id == "voice_b"),
            "language": ({}, lambda g: g.language == "de"),
            "tag": ({}, lambda g: "x y" in g.tags),
            "favorite": ({}, lambda g: g.favorite),
            "created_after": (
                {"created_after": NOON + DAY},
                lambda g: g.created_at >= NOON + DAY,
            ),
            "created_before": (
                {"created_before": NOON + 3 * DAY},
                lambda g: g.created_at < NOON + 3 * DAY,
            ),
        }
        assert set(conditions) == set(GENERATION_FILTERS)
        equal = {"voice_id": "voice_b", "language": "de", "tag": "x y", "favorite": True}
        orders = itertools.cycle(ORDERS)
        for count in range(len(conditions) + 1):
            for names in itertools.combinations(conditions, count):
                sort, descending = next(orders)
                options = {}
                for name in names:
                    options |= conditions[name][0]
                query = ListQuery(
                    sort,
                    descending,
                    page_size=5,
                    filters={name: value for name, value in equal.items() if name in names},
                    include_total=True,
                    **options,
                )
                wanted = {g.item_id for g in made if all(conditions[n][1](g) for n in names)}
                found, _ = read_all(lambda one: shelf.generations(uid, one), query)
                assert sorted(g.item_id for g in found) == sorted(wanted), (names, sort)
                _assert_in_order(found, query)
                assert shelf.generations(uid, query).total == len(wanted), names

    @pytest.mark.parametrize(("sort", "descending"), ORDERS)
    def test_dates_go_with_every_order(self, shelf, uid, fill, sort, descending):
        made = _varied(fill, uid)
        query = ListQuery(
            sort,
            descending,
            page_size=3,
            created_after=NOON + DAY,
            created_before=NOON + 3 * DAY,
        )
        found, sizes = read_all(lambda one: shelf.generations(uid, one), query)
        wanted = [g for g in made if NOON + DAY <= g.created_at < NOON + 3 * DAY]
        assert sorted(g.item_id for g in found) == sorted(g.item_id for g in wanted)
        assert len(wanted) > 3
        assert set(sizes[:-1]) == {3}
        _assert_in_order(found, query)

    def test_a_page_may_be_short_but_nothing_is_left_out(self, shelf, uid, fill):
        fill(uid, voice())
        for number in range(30):
            rare = "rarely" if number in (0, 17, 29) else "often"
            fill(uid, generation(f"g{number:02}", text=f"something {rare}"))
        query = ListQuery(page_size=2, search=Search.parse("something rare"), include_total=True)
        assert shelf.generations(uid, query).total == 3
        found, sizes = read_all(lambda one: shelf.generations(uid, one), query)
        assert [g.item_id for g in found] == ["g29", "g17", "g00"]
        assert max(sizes) <= 2
        assert 0 < len(sizes) <= 4

    @pytest.mark.parametrize("text", ["(", " ! ", "🎤"])
    @pytest.mark.parametrize("sort", ["created_at", "name"])
    def test_a_search_for_nothing_finds_nothing(self, shelf, uid, fill, text, sort):
        fill(uid, voice(name="🎤", tags=("!",)), generation("g1", text="(", voice_name="🎤"))
        query = ListQuery(sort, search=Search.parse(text))
        for page in (shelf.voices(uid, query), shelf.generations(uid, query)):
            assert (page.items, page.next, page.total) == ((), None, 0)
        assert [one.name for one in shelf.voices(uid, ListQuery()).items] == ["🎤"]

    def test_names_sort_as_people_count_and_spell(self, shelf, uid, fill):
        # The last two are in another order where texts are compared by UTF-16.
        names = ["Apfel", "Äpfel 2", "apfel 10", "voice 2", "Voice ９", "VOICE 10", "\ue000", "🎤"]
        fill(uid, *(voice(f"v{9 - n}", name=names[n], description=None) for n in range(8)))
        for text in (None, "voice"):
            wanted = [name for name in names if text is None or name.casefold().startswith(text)]
            for descending in (False, True):
                query = ListQuery(
                    "name", descending, page_size=2, search=text and Search.parse(text)
                )
                found, _ = read_all(lambda one: shelf.voices(uid, one), query)
                assert [one.name for one in found] == (wanted[::-1] if descending else wanted)

    @pytest.mark.parametrize("text", [None, "same"])
    def test_names_that_sort_alike_follow_by_the_bytes_of_their_ids(self, shelf, uid, fill, text):
        made = {"v0": "SAME", "v\ufa0e": "Same", "v\U00020000": "Sáme"}
        fill(uid, *(voice(item_id, name=name) for item_id, name in reversed(made.items())))
        for descending in (False, True):
            query = ListQuery("name", descending, page_size=1, search=text and Search.parse(text))
            found, _ = read_all(lambda one: shelf.voices(uid, one), query)
            ids = [one.item_id for one in found]
            assert ids == (list(made)[::-1] if descending else list(made))

    @pytest.mark.parametrize("dates", [{}, {"created_after": NOON + DAY}], ids=["ever", "dates"])
    @pytest.mark.parametrize(("sort", "descending"), ORDERS)
    def test_a_search_is_in_the_order_of_the_list_itself(
        self, shelf, uid, fill, sort, descending, dates
    ):
        _varied(fill, uid)
        options = {"page_size": 4, **dates}
        listed, _ = read_all(
            lambda one: shelf.generations(uid, one), ListQuery(sort, descending, **options)
        )
        query = ListQuery(
            sort, descending, search=Search.parse("warm"), include_total=True, **options
        )
        found, sizes = read_all(lambda one: shelf.generations(uid, one), query)
        wanted = [one for one in listed if one.text == WARM]
        assert found == wanted
        assert set(sizes[:-1]) == {4}
        assert shelf.generations(uid, query).total == len(wanted)

    @pytest.mark.parametrize(("sort", "descending"), ORDERS)
    def test_a_search_goes_on_where_it_stood_while_others_come_and_go(
        self, shelf, uid, fill, sort, descending
    ):
        def made(number, suffix=""):
            return generation(
                f"g{number:02}{suffix}",
                voice_name=f"Name {number}",
                text="found",
                created_at=NOON + number * DAY,
                updated_at=NOON + number * DAY,
            )

        self._save(shelf, uid, voice())
        fill(uid, *(made(number) for number in range(9)))
        query = ListQuery(sort, descending, page_size=3, search=Search.parse("found"))
        first = shelf.generations(uid, query)
        self._delete(shelf, uid, "generations", first.items[-1].item_id)
        fill(uid, made(1, "_more"), made(7, "_more"))
        rest, _ = read_all(
            lambda one: shelf.generations(uid, one), replace(query, after=first.next)
        )
        stayed = [made(number).item_id for number in range(9)]
        added = "g01_more" if descending else "g07_more"
        shown = [one.item_id for one in (*first.items, *rest)]
        assert shown == sorted([*stayed, added], reverse=descending)

    @pytest.mark.parametrize(("sort", "descending"), ORDERED_HERE)
    def test_too_many_finds_are_not_sorted_but_in_the_order_of_their_index(
        self, shelf, uid, fill, sort, descending
    ):
        fill(uid, *(generation(f"g{n:03}", text="two words") for n in range(MAX_COUNTED)))
        many = ListQuery(sort, descending, search=Search.parse("two words"), include_total=True)
        page = shelf.generations(uid, many)
        assert (len(page.items), page.total) == (many.page_size, MAX_COUNTED)
        fill(uid, generation("g_more", text="words"))
        with pytest.raises(InvalidRequest) as refused:
            shelf.generations(uid, many)
        assert refused.value.details == {"field": "sort"}
        assert len(shelf.generations(uid, many.as_indexed).items) == many.page_size

    def test_a_total_is_open_where_too_many_would_have_to_be_looked_at(self, shelf, uid, fill):
        items = [generation(f"g{number:03}", text="two words") for number in range(MAX_COUNTED)]
        fill(uid, *items)
        assert shelf.generations(uid, search("two words")).total == MAX_COUNTED
        fill(uid, generation("g_more", text="two words"))
        assert shelf.generations(uid, search("two words")).total is None
        assert shelf.generations(uid, search("two")).total == MAX_COUNTED + 1


def _varied(fill, uid):
    made = [
        generation(
            f"g{number:02}",
            voice_id="voice_b" if number % 2 else "voice_a",
            voice_name=f"Name {number % 4}",
            text=WARM if number % 3 else COLD,
            language="de" if number % 5 else "en",
            tags=("x y", "z") if number % 7 else ("z",),
            favorite=number % 4 != 2,
            created_at=NOON + (number % 5) * DAY,
            updated_at=NOON + (number % 6) * DAY,
        )
        for number in range(24)
    ]
    fill(uid, *made)
    return made


def _assert_in_order(found, query):
    values = [
        sort_key(item.voice_name) if query.sort == "name" else getattr(item, query.sort)
        for item in found
    ]
    assert values == sorted(values, reverse=query.descending)
