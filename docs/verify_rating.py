#!/usr/bin/env python3
"""Recompute a green rating from its bundle. Needs Python 3.11 and nothing else.

    python3 verify_rating.py bundle.json

The bundle is {"input", "output", "input_sha256", "output_sha256"}. This file shares no code with
the program that made it: it reads the input, applies the method written in the input, and compares
every figure of the output and both digests. Exit code 0 = everything agrees, 1 = something does
not (each difference is printed), 2 = the bundle cannot be read.
"""

import hashlib
import json
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal, setcontext

SHANGHAI = timezone(timedelta(hours=8))  # no daylight saving since 1991
SIX, TWO = Decimal("0.000001"), Decimal("0.01")
HOUR = timedelta(hours=1)
TOTAL, IT, ONSITE, DIRECT = (
    "facility_total_kwh",
    "it_kwh",
    "onsite_generation_kwh",
    "direct_line_kwh",
)
VOLUMES = {"water_m3", "reused_heat_kwh"}


def text(value):
    """A decimal as the shortest plain text."""
    if value is None:
        return None
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def number(value):
    return None if value is None else Decimal(value)


def moment(value):
    return datetime.fromisoformat(value.replace("Z", "+00:00"))


def stamp(value):
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(value):
    plain = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def months_later(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    after = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (after - timedelta(days=1)).day))


def read_meters(readings, start, end):
    """Usable hours per meter, volumes with the hours they cover, and what was set aside."""
    hours_of, seconds, volumes, covered, ended, aside = {}, {}, {}, {}, {}, []
    rows = [(k, moment(s), moment(e), Decimal(q)) for k, s, e, q in readings]
    for kind, starts, ends, amount in sorted(rows):
        code = None
        if amount < 0:
            code = "negative"
        elif starts < start or ends > end:
            code = "outside_period"
        elif kind not in VOLUMES and (starts - start) % HOUR + (ends - starts) > HOUR:
            code = "too_coarse"
        elif kind in ended and starts < ended[kind]:
            code = "overlap"
        if code:
            aside.append([kind, stamp(starts), code])
            continue
        ended[kind] = ends
        length = int((ends - starts).total_seconds())
        if kind in VOLUMES:
            volumes[kind] = volumes.get(kind, 0) + amount
            covered[kind] = covered.get(kind, 0) + Decimal(length) / 3600
            continue
        cell = (kind, (starts - start) // HOUR)
        hours_of[cell] = hours_of.get(cell, 0) + amount
        seconds[cell] = seconds.get(cell, 0) + length
    meters = {}
    for (kind, hour), kwh in hours_of.items():
        by_hour = meters.setdefault(kind, {})
        if seconds[kind, hour] == 3600:
            by_hour[hour] = kwh
    total, it = meters.setdefault(TOTAL, {}), meters.setdefault(IT, {})
    for hour in sorted(set(total) & set(it)):
        if it[hour] > total[hour]:
            for kind in (TOTAL, IT):
                del meters[kind][hour]
                aside.append([kind, stamp(start + hour * HOUR), "it_above_total"])
    for hour in sorted(total):
        clean = sum(meters.get(kind, {}).get(hour, 0) for kind in (ONSITE, DIRECT))
        exported = meters.get("export_kwh", {}).get(hour, 0)
        stored = meters.get("storage_in_kwh", {}).get(hour, 0)
        if clean - exported > total[hour] + stored:
            for kind in (ONSITE, DIRECT):
                if hour in meters.get(kind, {}):
                    del meters[kind][hour]
                    aside.append([kind, stamp(start + hour * HOUR), "clean_above_total"])
    return meters, volumes, covered, sorted(aside)


def find_gaps(total, it, start, hours):
    gaps, begun = [], None
    for hour in range(hours + 1):
        missing = []
        if hour < hours:
            missing = [kind for kind, values in ((TOTAL, total), (IT, it)) if hour not in values]
        if begun and begun[1] != missing:
            ends = stamp(start + hour * HOUR)
            gaps.append([stamp(start + begun[0] * HOUR), ends, begun[1]])
            begun = None
        if missing and not begun:
            begun = (hour, missing)
    return gaps


def count_certificates(claims, meters, need, first, after):
    sums, counted, seen, refused = {"grid": 0, "onsite": 0, "direct_line": 0}, set(), set(), []
    backing = {"onsite": ONSITE, "direct_line": DIRECT}
    for certificate in claims["certificates"]:
        kwh, code = Decimal(certificate["kwh"]), None
        if certificate["id"] in seen:
            code = "duplicate"
        elif certificate["state"] != "retired":
            code = "not_retired"
        elif not first <= certificate["vintage"] < after:
            code = "vintage_outside"
        elif kwh <= 0 or kwh % 1000:
            code = "not_whole_certificates"
        elif certificate["backs"] in backing and not meters.get(backing[certificate["backs"]]):
            code = "not_metered"
        seen.add(certificate["id"])
        if code:
            refused.append([certificate["id"], code])
            continue
        counted.add(certificate["id"])
        sums[certificate["backs"]] += kwh
    for settlement in claims["settlements"]:
        same = settlement["certificate_id"] in counted
        code = "same_claim_as_certificate" if same else "needs_retired_certificate"
        refused.append([settlement["id"], code])
    exported = sum(meters.get("export_kwh", {}).values())
    here = {
        "onsite": max(sum(meters.get(ONSITE, {}).values()) - exported, Decimal(0)),
        "direct_line": Decimal(sum(meters.get(DIRECT, {}).values())),
    }
    for backs, metered in here.items():
        if sums[backs] > metered:
            refused.append([backs, "beyond_metered"])
            sums[backs] = metered
    total = sum(sums.values())
    if need is not None and total > need:
        refused.append(["total", "beyond_need"])
    return sums, (total if counted else None), refused


def ratio(part, whole):
    if part is None or whole is None or whole <= 0:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(SIX)


def share_of_one(value):
    return None if value is None or not 0 <= value <= 1 else value


def compute(given):
    method, site, factors = given["method"], given["facility"], given["factors"]
    start, end = moment(given["period"]["starts_at"]), moment(given["period"]["ends_at"])
    hours = (end - start) // HOUR
    first_day, last_day = start.astimezone(SHANGHAI).date(), end.astimezone(SHANGHAI).date()
    meters, volumes, covered, aside = read_meters(given["readings"], start, end)
    total, it = meters[TOTAL], meters[IT]
    paired = sorted(set(total) & set(it))
    coverage = (Decimal(len(paired)) / hours).quantize(SIX)
    least = Decimal(method["coverage_min"])
    enough = coverage >= least
    need = (Decimal(sum(total.values())) * hours / len(total)).quantize(SIX) if total else None
    opening = months_later(first_day.replace(day=1), -method["vintage_months_before"])
    closing = last_day if last_day.day == 1 else months_later(last_day.replace(day=1), 1)
    months = opening.isoformat()[:7], closing.isoformat()[:7]
    sums, renewable, refused = count_certificates(given["claims"], meters, need, *months)

    e_dc = sum(total[hour] for hour in paired) if enough else None
    e_it = sum(it[hour] for hour in paired) if enough else None
    in_use, installed = site["racks_in_use"], site["installed_racks"]
    nominal, factor = number(site["nominal_rack_kw"]), number(factors["grid_kg_per_kwh"])

    def volume(kind):
        return volumes[kind] if covered.get(kind, 0) >= least * hours else None

    clean_meters = [meters[kind] for kind in (ONSITE, DIRECT) if meters.get(kind)]
    cfe = None
    if clean_meters and enough:
        shared = set(clean_meters[0]).intersection(*clean_meters[1:])
        if Decimal(len(shared)) / hours >= least:
            exported = meters.get("export_kwh", {})
            both = sorted(shared & set(total))
            clean = {
                h: max(sum(m[h] for m in clean_meters) - exported.get(h, 0), Decimal(0))
                for h in both
            }
            if both:
                cfe = ratio(sum(min(clean[h], total[h]) for h in both), sum(total[h] for h in both))
    load = None
    if e_it is not None and paired and in_use and nominal:
        load = ratio(e_it, nominal * in_use * len(paired))
        load = None if load is not None and load > 1 else load
    water = volume("water_m3")
    values = {
        "pue": ratio(e_dc, e_it),
        "renewable": None if renewable is None or not enough else ratio(min(renewable, need), need),
        "rack_utilization": None
        if in_use is None or installed is None or in_use > installed
        else ratio(in_use, installed),
        "it_load": load,
        "demand_response": share_of_one(
            ratio(number(site["adjustable_load_kw"]), number(site["maximum_load_kw"]))
        ),
        "wue": ratio(None if water is None else water * 1000, e_it),
        "hourly_cfe": cfe,
        "cue": None if e_dc is None or factor is None else ratio(e_dc * factor, e_it),
        "erf": ratio(volume("reused_heat_kwh"), e_dc),
    }
    items, earned, in_play, rated = [], Decimal(0), Decimal(0), True
    for item in method["items"]:
        value, full, weight = values[item["id"]], Decimal(item["full_at"]), Decimal(item["weight"])
        zero, code, share = item["zero_at"], None, None
        if zero == "province_quota":
            zero = factors["renewable_quota_share"]
            code = "quota_unknown" if zero is None else None
        zero = number(zero)
        if value is None:
            code = "no_evidence"
        elif code is None and zero is None:
            share = Decimal(1) if value <= full else None
            code = None if share is not None else "no_documented_lower_end"
        elif code is None and zero == full:
            share = Decimal(1 if value >= full else 0)
        elif code is None:
            share = (value - zero) / (full - zero)
            share = min(max(share, Decimal(0)), Decimal(1)).quantize(SIX)
        points = None if share is None else (share * weight).quantize(TWO)
        if share is None:
            rated = rated and not item["required"]
        else:
            earned, in_play = earned + points, in_play + weight
        items.append(
            {
                "id": item["id"],
                "value": text(value),
                "share": text(share),
                "points": text(points),
                "unrated_code": code,
            }
        )
    by_score = by_pue = expires = None
    if rated:
        by_score = next(tier for tier, low in method["score_bands"] if earned >= Decimal(low))
        by_pue = next(
            tier
            for tier, high in method["pue_bands"]
            if high is None or values["pue"] <= Decimal(high)
        )
        days = [months_later(last_day, method["valid_months_after_period"])]
        days += [
            date.fromisoformat(status["valid_until"])
            for status in given["claims"]["official_statuses"]
            if status["valid_until"] and date.fromisoformat(status["valid_until"]) > last_day
        ]
        days += [
            date.fromisoformat(certificate["lapses_on"])
            for certificate in given["claims"]["certificates"]
            if certificate["state"] == "held"
            and certificate["lapses_on"]
            and date.fromisoformat(certificate["lapses_on"]) > last_day
        ]
        day = min(days)
        expires = stamp(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))
    return {
        "green_tier": min(by_score, by_pue) if rated else None,
        "score": text(earned) if rated else None,
        "score_possible": text(earned + 100 - in_play),
        "completeness": text((in_play / 100).quantize(SIX)),
        "score_tier": by_score,
        "pue_tier": by_pue,
        "paired_hours": len(paired),
        "coverage": text(coverage),
        "items": items,
        "indicators": {name: text(value) for name, value in values.items()},
        "renewable": {
            "grid_kwh": text(Decimal(sums["grid"])),
            "onsite_kwh": text(Decimal(sums["onsite"])),
            "direct_line_kwh": text(Decimal(sums["direct_line"])),
            "not_counted": refused,
        },
        "gaps": find_gaps(total, it, start, hours),
        "quarantined": aside,
        "expires_at": expires,
    }


def differences(printed, computed, path="output"):
    if isinstance(printed, dict) and isinstance(computed, dict):
        for key in sorted(printed.keys() | computed.keys()):
            yield from differences(printed.get(key), computed.get(key), f"{path}.{key}")
    elif printed != computed:
        yield f"{path}: the bundle says {printed!r}, recomputed {computed!r}"


def verify(bundle):
    """All differences between a bundle and what follows from its input."""
    setcontext(Context(prec=34, rounding=ROUND_HALF_EVEN))
    found = []
    for name in ("input", "output"):
        if digest(bundle[name]) != bundle[f"{name}_sha256"]:
            found.append(f"{name}_sha256 does not belong to the {name}")
    found += differences(bundle["output"], compute(bundle["input"]))
    return found


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            bundle = json.load(file)
        found = verify(bundle)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        print(f"cannot read the bundle: {error!r}", file=sys.stderr)
        return 2
    for line in found:
        print(line)
    if not found:
        print(f"agrees: tier {bundle['output']['green_tier']}, output {bundle['output_sha256']}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
