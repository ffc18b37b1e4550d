"""Which fields a query may have, and what somebody meant who sent another one."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from voxshelf.core.errors import InvalidRequest

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

# Whom a request is about is the token's to say. What a query claims is not believed (the contract,
# section 2), and existing frontends send it.
_NOT_BELIEVED = frozenset({"uid", "user_id", "userId"})

# The names that other services have for these fields, without case and punctuation.
_MEANT: Mapping[str, str] = {
    "page_size": (
        "limit perpage pagelimit size count max maxresults first take top pagecount itemsperpage"
    ),
    "page_token": (
        "page offset cursor skip start pagenumber pageno pageindex nextpage nextpagetoken token "
        "nexttoken continuationtoken startafter after"
    ),
    "search": "q query s text term keyword keywords filter name",
    "sort": "sortby orderby sortfield sortkey orderfield",
    "order": "direction dir sortorder sortdir sortdirection orderdirection",
    "include_total": "total withtotal includecount counttotal",
    "favorite": "favourite favorites favourites isfavorite starred",
    "language": "lang locale",
    "tag": "tags",
    "voice_id": "voice",
    "created_after": "from since startdate datefrom mindate",
    "created_before": "to until before end enddate dateto maxdate",
    "voice_ids": "voice voices voiceid ids",
    "generation_ids": "generation generations generationid",
    "part_bytes": "size maxbytes partsize limit pagesize",
    "permanent": "permanently force hard forever",
    "generations": "withgenerations deletegenerations cascade",
    "format": "type as output",
    "state": "status states",
    "kind": "type",
}
_MORE: Mapping[str, str] = {"page_token": " (next_page_token of the page before)"}


def refuse_unknown(
    arguments: "MultiDict[str, str]", known: Collection[str], several: Collection[str] = ()
) -> None:
    """Refuse a query with a field that is not `known`, or with one field of two values.

    Fields are refused even when they are empty: whoever sends one believes that it does something.
    Those in `several` may be sent several times.

    Raises:
        InvalidRequest: naming the field and, where it is plain, the one that was meant; `known`
            lists all that there are.
    """
    for name in arguments:
        if name in _NOT_BELIEVED:
            continue
        if name not in known:
            raise _unknown(name, known)
        if name not in several and len(set(arguments.getlist(name))) > 1:
            raise InvalidRequest(
                f"{name} was sent more than once, with different values.", details={"field": name}
            )


def _unknown(name: str, known: Collection[str]) -> InvalidRequest:
    meant = _meant(name, known)
    instead = f"Send {meant}{_MORE.get(meant, '')} instead." if meant else _takes(known)
    details: dict[str, object] = {"field": name, "known": sorted(known)}
    if meant:
        details["instead"] = meant
    return InvalidRequest(f"There is no {name} in this query. {instead}", details=details)


def _meant(name: str, known: Collection[str]) -> str | None:
    plain = _plain(name)
    alike = (one for one in known if plain in (_plain(one), *_MEANT.get(one, "").split()))
    return next(alike, None)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _takes(known: Collection[str]) -> str:
    return f"It takes {', '.join(sorted(known))}." if known else "It takes no fields."
