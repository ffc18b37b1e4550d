"""What a request says of each field, in whichever of its forms it is said.

Of two names for one field, and of a field that stands twice, the values must agree: nothing
that was sent is dropped without a word.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from voxshelf.core.errors import InvalidRequest, invalid
from voxshelf.http.form import Group
from voxshelf.http.json_text import parse_value
from voxshelf.http.received import LongText, NotText, Part

# What JavaScript's FormData makes of a value that is not there.
NOTHING = frozenset({"null", "undefined"})
# What `metadata` of a job may say. What decides on the save is the request's own to say: paths,
# `replace`, `again`, consent.
_TOLD_BY_WORKERS = frozenset(
    {
        *("voice_id", "voice_name", "name", "template_message", "text_input", "text"),
        *("language", "description", "tags", "parameters", "runpod_job_id"),
        *("generation_time", "sample_rate", "audio_shape", "timestamp"),
    }
)


def nothing(name: str, text: str) -> InvalidRequest:
    """Return the refusal of a field that came as the word for nothing."""
    reason = f"{name} came as the text {text!r}, which counts as nothing."
    return InvalidRequest(reason, details={"field": name})


class Sent:
    """The values of a request; those of a RunPod job's `metadata` stand behind them.

    What cannot be read is passed to `refuse`, which raises it or goes on without it.
    """

    def __init__(
        self, values: Mapping[str, Any], refuse: Callable[[InvalidRequest, str], None]
    ) -> None:
        """Take the values as `Fields` hold them."""
        self._refuse = refuse
        self._layers = [values]
        told = self.mapping("metadata")
        self._layers.append({name: told[name] for name in _TOLD_BY_WORKERS & told.keys()})

    def one(self, *names: str, trim: bool = True) -> tuple[str, Any] | None:
        """Return name and value of the one of these that is there; empty text is not.

        Raises:
            InvalidRequest: when several are there and differ.
        """
        for layer in self._layers:
            found = [(name, v) for name in names for v in self._values(name, layer, trim=trim)]
            for name, value in found[1:] if layer is self._layers[0] else ():
                if value != found[0][1]:
                    both = name if name == found[0][0] else f"{found[0][0]} and {name}"
                    raise InvalidRequest(
                        f"Different values came as {both}: send one.", details={"field": name}
                    )
            if found:
                return found[0]
        return None

    def is_own(self, name: str) -> bool:
        """Tell whether a field stands in the request itself."""
        return any(True for _ in self._values(name, self._layers[0]))

    def each(self, name: str) -> list[Any]:
        """Return all values of a field that may stand several times."""
        found = (list(self._values(name, layer)) for layer in self._layers)
        return next(filter(None, found), [])

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return an object: JSON, or the fields of a form that carry keys."""
        for layer in self._layers:
            found: dict[str, Any] = {}
            for value in self._values(name, layer, keyed=True):
                parsed = self.parsed(name, value)
                if isinstance(parsed, dict):
                    found |= parsed
                elif parsed is not None:
                    self._refuse(invalid(name, "an object"), name)
            if found:
                return found
        return {}

    def parsed(self, name: str, value: Any) -> Any:
        """Return the value that a JSON text holds; what is no text is as it is."""
        if not isinstance(value, str):
            return value
        try:
            return parse_value(value)
        except InvalidRequest as error:
            reason = f"{name} cannot be read. {error.message}"
            self._refuse(InvalidRequest(reason, details={"field": name}), name)
            return None

    def _values(
        self, name: str, layer: Mapping[str, Any], *, trim: bool = True, keyed: bool = False
    ) -> Iterator[Any]:
        raw = layer.get(name)
        group = raw if isinstance(raw, Group) else Group()
        if group.keyed and keyed:
            told = {key: self._agreed(f"{name}.{key}", it) for key, it in group.keyed.items()}
            yield {k: _typed(text) for k, text in told.items()} if name == "parameters" else told
        elif group.keyed:
            self._refuse(invalid(name, "one value, without a key"), name)
        for value in group.values if isinstance(raw, Group) else [raw]:
            text = self._text(name, value) if isinstance(value, Part) else value
            text = text.strip() if trim and isinstance(text, str) else text
            if text is not None and text != "":
                yield text

    def _agreed(self, name: str, parts: list[Part]) -> Any:
        texts = [self._text(name, part) for part in parts]
        if any(text != texts[0] for text in texts):
            raise invalid(name, "one value")
        return "" if texts[0] is None else texts[0]

    def _text(self, name: str, part: Part) -> str | LongText | None:
        try:
            text = part.text()
        except NotText:
            self._refuse(
                invalid(name, "text in UTF-8, or in the encoding that its part names"), name
            )
            return None
        if text not in NOTHING:
            return text
        self._refuse(nothing(name, str(text)), name)
        return None


def _typed(text: Any) -> Any:
    """Return what a parameter's text stands for: a number or a flag, else itself."""
    if not isinstance(text, str):
        return text
    try:
        value = parse_value(text)
    except InvalidRequest:
        return text
    return value if isinstance(value, bool | int | float) else text
