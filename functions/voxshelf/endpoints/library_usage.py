"""What a user has, may have, and saved when: `GET /api/library/usage`."""

from typing import TYPE_CHECKING

from voxshelf.http.boundary import Answer, Call, Route

if TYPE_CHECKING:
    from voxshelf.core.account import Amount, Limits
    from voxshelf.http.wire_usage import AmountBody, LimitsBody, UsageAnswer


def _show_usage(call: Call) -> Answer:
    usage = call.services.catalogue.usage(call.uid)
    defaults = call.services.policy.limits
    body: UsageAnswer = {
        "status": "success",
        "totals": _amount_body(usage.account.kept),
        "reserved": _amount_body(usage.account.reserved),
        "limits": _limits_body(usage.limits(defaults)),
        "left": _limits_body(usage.left(defaults)),
        "today": {
            "day": usage.today.isoformat(),
            "saves": usage.saves_today,
            **_amount_body(usage.saved_today),
        },
        "months": [
            {"month": month, **_amount_body(amount)}
            for month, amount in usage.last_months().items()
        ],
        "days": [
            {"day": day.isoformat(), **_amount_body(amount)}
            for day, amount in usage.last_days().items()
        ],
    }
    return Answer({**body})


def _amount_body(amount: "Amount") -> "AmountBody":
    return {
        "voices": amount.voices,
        "generations": amount.generations,
        "bytes": amount.size_bytes,
        "audio_s": amount.audio_ms / 1000,
    }


def _limits_body(limits: "Limits") -> "LimitsBody":
    return {
        "voices": limits.voices,
        "generations": limits.generations,
        "bytes": limits.size_bytes,
        "saves_per_day": limits.saves_per_day,
    }


ROUTES = (Route("GET", "/api/library/usage", _show_usage),)
