"""The JSON objects of a user's usage and limits; see `wire` for all others."""

from typing import Literal, TypedDict


class AmountBody(TypedDict):
    """So much of a library; `bytes` are those of all files, `audio_s` the length of all audio."""

    voices: int
    generations: int
    bytes: int
    audio_s: float


class LimitsBody(TypedDict):
    """The most that a user may have, or what is left of it; `saves_per_day` is by days of UTC."""

    voices: int
    generations: int
    bytes: int
    saves_per_day: int


class TodayBody(AmountBody):
    """What was saved today (UTC); `saves` counts those that failed, too, as the limit does."""

    day: str
    saves: int


class MonthBody(AmountBody):
    """What was saved in a month such as `2026-11`."""

    month: str


class DayBody(AmountBody):
    """What was saved on a day such as `2026-11-22`."""

    day: str


class UsageAnswer(TypedDict):
    """What a user has, may have, and saved when; months and days without a save are left out."""

    status: Literal["success"]
    totals: AmountBody
    reserved: AmountBody
    limits: LimitsBody
    left: LimitsBody
    today: TodayBody
    months: list[MonthBody]
    days: list[DayBody]
