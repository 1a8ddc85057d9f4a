"""The pure policy engine: terms are data, an answer names every clause, a replay is exact.

No Django, no clock, no floats. Money is integer fen; rates are exact (`"0.2"`, `"1/3"`).

    from vouchers.rules import Terms, Usage, evaluate, entitlement, voucher_part, render

    terms = Terms.load(doc)                       # Mapping; raises TermsError with every problem
    validate_terms(doc) -> list[TermsProblem]     # the same, as a list (pointer, code, two texts)
    terms.document, terms.digest, terms.id, terms.policy_version
    terms.missing -> tuple[Missing(pointer, text_en, text_zh), ...]   # parameters still null
    supply(terms, [Supplied(pointer, value, source)]) -> Terms        # an officer fills them in
    voucher_period(terms, issued_at=) -> (starts_at, ends_at | None)

    evaluate(terms, facts, at=aware_datetime, used=Usage(...), policy_version=None)
        -> Evaluation(decision "granted|refused|incomplete", amount_fen, reasons, steps, in_kind,
                      policy_version, preset, ...); .as_dict(), .canonical_json(), .digest
    replay(record: Evaluation.as_dict(), terms) -> Evaluation    # raises ReplayDiffers

    entitlement(terms, facts, at=, used=) -> Entitlement(evaluation, would_change: [Change])
    best_of({id: terms}, facts, at=, used={id: Usage}) -> BestOf(entitlements, combination)
    voucher_part(terms, order_amount_fen, voucher_available_fen=, used=Usage(), at=, facts={})
        -> Part(amount_fen, own_part_fen, steps, reasons)        # deduct at order
    simulate(terms, columns, on=, enterprise=) -> Simulation          # simulate.py, vectorised
    render(terms) -> Rendering(text_zh, text_en, lines)
    best_combination([Offer...]) -> BestCombination(best, runner_up, conflicts)   # stacking, exact
    schema_of_facts(terms.document) -> dict       # JSON Schema of the facts this policy needs

Terms document (`terms.schema.json`; field by field in docs/guides/policy-schema.md):
`schema_version`, `programme`, `kind`, `sides`, `applicants`, `compute`, `benefit` (combine and
lines), `caps`, `minimums`, `stacking`, `windows`, `evidence`, `review`, `payment`, `green`,
`cross_region`, `providers`, `transferable`, `budget`. In any place **null means the source does not
say** (the policy is incomplete there); **an absent key means there is no such clause**.

Facts are one flat mapping, named by basis and unit (`facts.py` is the catalogue):
`contract_amount_fen`, `settled_fee_fen`, `annual_spend_fen`, `rent_fen`, `order_amount_fen`,
`annual_trade_volume_fen`, `investment_fen` ...; `uscc`, `entity_type`, `registered_adcode` ...

Presets: `from vouchers.presets import load_presets, evaluate_rule, schema_of, coverage`.
"""

from vouchers.rules.answers import (
    Evaluation,
    FactsError,
    InKind,
    Reason,
    RuleError,
    Step,
    TermsError,
    TermsProblem,
    Usage,
    UsageEntry,
)
from vouchers.rules.canonical import canonical_json, digest
from vouchers.rules.entitlement import BestOf, Change, Entitlement, best_of, entitlement
from vouchers.rules.evaluate import ReplayDiffers, evaluate, replay
from vouchers.rules.render import Rendering, render
from vouchers.rules.stacking import BestCombination, Combination, Offer, best_combination
from vouchers.rules.supply import Supplied, supply
from vouchers.rules.terms import Missing, Terms
from vouchers.rules.uses import schema_of_facts
from vouchers.rules.validate_terms import stacking_cycles, terms_schema, validate_terms
from vouchers.rules.validity import voucher_period
from vouchers.rules.voucher_part import Part, voucher_part

__all__ = [
    "BestCombination",
    "BestOf",
    "Change",
    "Combination",
    "Entitlement",
    "Evaluation",
    "FactsError",
    "InKind",
    "Missing",
    "Offer",
    "Part",
    "Reason",
    "Rendering",
    "ReplayDiffers",
    "RuleError",
    "Step",
    "Supplied",
    "Terms",
    "TermsError",
    "TermsProblem",
    "Usage",
    "UsageEntry",
    "best_combination",
    "best_of",
    "canonical_json",
    "digest",
    "entitlement",
    "evaluate",
    "render",
    "replay",
    "schema_of_facts",
    "stacking_cycles",
    "supply",
    "terms_schema",
    "validate_terms",
    "voucher_part",
    "voucher_period",
]
