"""Which facts a policy uses: what it needs, what may help, and a JSON Schema of both."""

from collections.abc import Mapping
from typing import Any

from vouchers.rules.facts import BASES, CATALOGUE

# Facts that describe the enterprise, the contract or the review: any policy may be given them.
GENERAL = frozenset(
    {
        "uscc",
        "entity_type",
        "registered_adcode",
        "size",
        "industry",
        "company_age_months",
        "startup",
        "compute_kind",
        "hardware_origin",
        "use_type",
        "items",
        "provider_uscc",
        "provider_adcode",
        "provider_affiliated",
        "provider_listed",
        "spending_adcode",
        "contract_ref",
        "contract_signed_on",
        "contract_starts_on",
        "contract_ends_on",
        "contract_already_awarded",
        "other_public_aid",
        "also_applies_as_supplier",
        "conditions_met",
        "conditions_unmet",
        "evidence_provided",
        "other_aid_fen",
        "voucher_available_fen",
    }
)


def bases_used(terms: Mapping[str, Any]) -> tuple[str, ...]:
    """The amounts the benefit lines are computed from, in the order of the lines."""
    found: dict[str, None] = {}
    for line in terms["benefit"]["lines"] or ():
        if line.get("basis") is not None:
            found[line["basis"]] = None
    return tuple(found)


def facts_used(terms: Mapping[str, Any]) -> dict[str, str]:
    """Fact → JSON pointer of the first clause that uses it, general facts left out unless used."""
    found: dict[str, str] = {}

    def use(name: str, pointer: str) -> None:
        found.setdefault(name, pointer)

    for index, line in enumerate(terms["benefit"]["lines"] or ()):
        where = f"/benefit/lines/{index}"
        if line.get("basis"):
            use(line["basis"], f"{where}/basis")
        for name in line.get("when", {}):
            use(name, f"{where}/when")
        for gate in line.get("gates") or ():
            use(gate["metric"], f"{where}/gates")
        for name in _of_mechanic(line):
            use(name, where)
    for index, minimum in enumerate(terms.get("minimums", {}).get("spend", ())):
        use(minimum["fact"], f"/minimums/spend/{index}")
    for gate in terms.get("green", {}).get("gates") or ():
        use(gate["metric"], "/green/gates")
    for name, pointer in _of_clauses(terms):
        use(name, pointer)
    return found


def _of_mechanic(line: Mapping[str, Any]) -> tuple[str, ...]:
    names: tuple[str, ...] = {
        "interest_subsidy": ("loan_annual_rate",),
        "per_kwh": ("green_energy_kwh",),
        "ranked_pool": ("rank",),
    }.get(line["mechanic"], ())
    if "pro_rata" in line:
        names += ("contract_starts_on", "contract_ends_on")
    if line.get("rate_is_ceiling"):
        names += ("approved_rate",)
    return names


def _of_clauses(terms: Mapping[str, Any]) -> list[tuple[str, str]]:
    applicants, windows = terms.get("applicants", {}), terms.get("windows", {})
    stacking, providers = terms.get("stacking", {}), terms.get("providers", {})
    table: list[tuple[Any, str, str]] = [
        (applicants.get("entity_types"), "entity_type", "/applicants/entity_types"),
        (applicants.get("registered_in"), "registered_adcode", "/applicants/registered_in"),
        (applicants.get("sizes"), "size", "/applicants/sizes"),
        (applicants.get("industries"), "industry", "/applicants/industries"),
        (
            "age_months_at_most" in applicants,
            "company_age_months",
            "/applicants/age_months_at_most",
        ),
        (windows.get("contract_signed"), "contract_signed_on", "/windows/contract_signed"),
        (
            windows.get("contract_months_at_most"),
            "contract_starts_on",
            "/windows/contract_months_at_most",
        ),
        (
            windows.get("contract_months_at_most"),
            "contract_ends_on",
            "/windows/contract_months_at_most",
        ),
        (
            stacking.get("same_contract_once"),
            "contract_already_awarded",
            "/stacking/same_contract_once",
        ),
        (stacking.get("no_other_public_aid"), "other_public_aid", "/stacking/no_other_public_aid"),
        (stacking.get("not_both_sides"), "also_applies_as_supplier", "/stacking/not_both_sides"),
        (stacking.get("total_aid_rate"), "other_aid_fen", "/stacking/total_aid_rate"),
        (providers.get("non_affiliated"), "provider_affiliated", "/providers/non_affiliated"),
        (providers.get("listed"), "provider_listed", "/providers/listed"),
        (providers.get("registered_in"), "provider_adcode", "/providers/registered_in"),
    ]
    return [(name, pointer) for asked, name, pointer in table if asked]


def allowed_facts(terms: Mapping[str, Any]) -> frozenset[str]:
    """Names this policy takes; a basis it is not computed from is not among them."""
    return GENERAL | frozenset(facts_used(terms))


def schema_of_facts(terms: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of the facts file for this policy. `x-used-by` points at the clause."""
    used = facts_used(terms)
    bases = [name for name in bases_used(terms) if name in BASES]
    properties = {
        name: {
            **CATALOGUE[name].schema(),
            "x-unit": CATALOGUE[name].unit,
            **({"x-used-by": used[name]} if name in used else {}),
        }
        for name in sorted(allowed_facts(terms))
    }
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Facts for {terms['programme']['id']}",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "x-needed": sorted(used),
    }
    if len(bases) == 1:
        schema["required"] = bases
    elif bases and all(line.get("basis") for line in terms["benefit"]["lines"]):
        schema["anyOf"] = [{"required": [name]} for name in bases]
    return schema
