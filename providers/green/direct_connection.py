"""绿电直连: the yearly shares a grid-connected direct connection must keep."""

from decimal import Decimal

from audit.decisions import Decision, Reason
from providers.facts import DirectConnectionRules

from .evidence import GreenInputError
from .exact import RATIO, exact_arithmetic


def direct_connection(
    rules: DirectConnectionRules,
    *,
    terms_version: str,
    available_generation_kwh: Decimal,
    export_kwh: Decimal,
    curtailed_kwh: Decimal,
    consumption_kwh: Decimal,
    year: int,
) -> Decision:
    """Check a year of meters, with self = available generation - export - curtailment:
    self / available >= 60 %, self / consumption >= 30 % (35 % from 2030),
    export / available <= 20 %.

    The base of the export share is not printed; available generation is taken. Raises
    GreenInputError when a figure is negative or nothing was generated or used.
    """
    figures = {
        "available_generation_kwh": available_generation_kwh,
        "export_kwh": export_kwh,
        "curtailed_kwh": curtailed_kwh,
        "consumption_kwh": consumption_kwh,
    }
    for field, value in figures.items():
        if value < 0 or (value == 0 and field.startswith(("available", "consumption"))):
            raise GreenInputError(field, "must be above zero", "须大于零")
    with exact_arithmetic():
        used = available_generation_kwh - export_kwh - curtailed_kwh
        if used < 0:
            raise GreenInputError(
                "export_kwh", "more left the plant than it generated", "上网与弃电之和大于发电量"
            )
        of_generation = (used / available_generation_kwh).quantize(RATIO)
        of_consumption = (used / consumption_kwh).quantize(RATIO)
        exported = (export_kwh / available_generation_kwh).quantize(RATIO)
    least_of_consumption = (
        rules.self_use_min_of_consumption_by_2030
        if year >= 2030
        else rules.self_use_min_of_consumption
    )
    checks = (
        (
            "self_use_of_generation",
            "Own use of available generation",
            "自用电量占可用发电量",
            of_generation,
            rules.self_use_min_of_available_generation,
            True,
        ),
        (
            "self_use_of_consumption",
            "Own use of total consumption",
            "自用电量占总用电量",
            of_consumption,
            least_of_consumption,
            True,
        ),
        (
            "export_of_generation",
            "Export of available generation",
            "上网电量占可用发电量",
            exported,
            rules.export_max_of_available_generation,
            False,
        ),
    )
    reasons = tuple(
        Reason(
            code,
            f"{en} {share}; {'at least' if least else 'at most'} {bound} is asked.",
            f"{zh} {share}；要求{'不低于' if least else '不高于'} {bound}。",
            satisfied=share >= bound if least else share <= bound,
        )
        for code, en, zh, share, bound, least in checks
    )
    return Decision(
        allowed=all(reason.satisfied for reason in reasons),
        reasons=reasons,
        terms_version=terms_version,
    )
