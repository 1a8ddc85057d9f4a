"""The trail of public money: from appropriation to bank receipt, with every signature.

Each step names its ledger movements (reference, accounts, fen) and its links of the audit chain, so
that an auditor can check every line against the exported chain. Read-only; four queries for the
rows of the trail, whatever its length, plus those that fetch the objects on it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.models import AuditEvent
from audit.seal import SealState, seal_state
from identity.models import User
from ledger.models import Posting, Transfer
from marketplace.models import Charge
from scheduling.models import Job, UsageRecord
from treasury.models import Appropriation, Envelope, Payable, PayoutBatch, PayoutItem
from vouchers.models import PolicyVersion, Redemption, SubsidyAward, Voucher


@dataclass(frozen=True)
class Movement:
    """One posting: `amount_fen` went from one ledger account to another under `reference`."""

    reference: str
    kind: str
    source: str
    destination: str
    amount_fen: int
    effective_at: datetime


@dataclass(frozen=True)
class ChainEntry:
    """One event that belongs to a step and its link of the audit chain; no sequence before that.

    `state` tells recorded-and-not-sealed-yet from an event that stands outside the chain.
    """

    state: SealState
    sequence: int | None
    hash: str | None
    kind: str
    actor_label: str
    occurred_at: datetime


@dataclass(frozen=True)
class SignedBy:
    """Who did what in a step; None: the system, or nobody yet."""

    act: Any
    person: User | None


@dataclass
class Step:
    """A stop on the trail. `code` is stable; `amount_fen` is what this trail is about there."""

    code: str
    title: Any
    name: str
    amount_fen: int | None = None
    signatures: Sequence[SignedBy] = ()
    facts: Sequence[tuple[Any, Any]] = ()
    note: Any = ""
    movements: list[Movement] = field(default_factory=list)
    entries: list[ChainEntry] = field(default_factory=list)
    _subjects: Sequence[Any] = ()
    _references: Sequence[str] = ()
    _keep: Callable[[Posting], bool] = lambda posting: True


@dataclass(frozen=True)
class Trail:
    """All steps in the order of the money. `complete`: the bank has confirmed the payment."""

    title: str
    amount_fen: int
    steps: Sequence[Step]
    complete: bool


def follow_redemption(redemption: Redemption) -> Trail:
    """The trail of what `redemption` paid a provider."""
    redemption = (
        Redemption.objects.select_related(
            "version__programme",
            "version__drafted_by",
            "version__approved_by_1",
            "version__approved_by_2",
            "voucher__envelope__book",
            "voucher__envelope__issuer",
            "voucher__holder",
            "voucher__application__applied_by",
            "voucher__application__reviewed_by",
            "voucher__application__approved_by",
            "voucher__window_answer__window__drafted_by",
            "voucher__window_answer__window__opened_by",
            "provider",
            "hold__placed_by",
            "transfer",
        )
        .filter(pk=redemption.pk)
        .get()
    )
    voucher = redemption.voucher
    charge = (
        Charge.objects.select_related("order__placement__workload", "order__placement__pool")
        .filter(order__redemption=redemption)
        .first()
    )
    steps = [
        *_budget(voucher.envelope),
        _terms(redemption.version),
        _asked_for(voucher),
        Step(
            "voucher",
            _("Voucher"),
            voucher.serial,
            voucher.face_fen,
            facts=[
                (_("Valid from"), voucher.valid_from),
                (_("Valid until"), voucher.valid_until),
            ],
            _subjects=[voucher],
            _references=_issued_by(voucher),
            _keep=lambda posting: posting.destination_id == voucher.available_id,
        ),
        *_set_aside(redemption, charge),
        *_usage(charge),
        Step(
            "redemption",
            _("Redemption"),
            f"#{redemption.pk} → {redemption.provider.name}",
            redemption.committed_fen,
            note=_spent_note(redemption),
            _subjects=[_Named("vouchers.redemption", redemption.pk, kind) for kind in SPENT],
            _references=[_spent_by(redemption)],
        ),
    ]
    paid = _payout(redemption.payable_id)
    return _filled(f"#{redemption.pk}", redemption.committed_fen, [*steps, *paid])


SPENT = ("redemption.committed", "redemption.redeemed")


def _set_aside(redemption: Redemption, charge: Charge | None) -> list[Step]:
    """The hold before the redemption; a redemption at once has none."""
    hold = redemption.hold
    if hold is None:
        return []
    return [
        Step(
            "hold",
            _("Hold"),
            redemption.order_reference,
            redemption.reserved_fen,
            facts=[(_("Deadline"), hold.deadline_at)],
            note=_("Set aside with the capacity, in one transaction."),
            _subjects=[
                _Named("vouchers.redemption", redemption.pk, "redemption.reserved"),
                *([charge.order] if charge else []),
            ],
            _references=[hold.placed_by.reference],
        ),
    ]


def _spent_by(redemption: Redemption) -> str:
    """The reference of the transfer that spent it."""
    if redemption.hold is not None:
        return f"{redemption.hold.reference}:posted"
    assert redemption.transfer is not None
    return redemption.transfer.reference


def _spent_note(redemption: Redemption) -> Any:
    if redemption.hold is None:
        return _("Paid at once, without a hold.")
    return _("What the usage did not need went back to the voucher in the same transfer.")


def _asked_for(voucher: Voucher) -> Step:
    """What the voucher was granted on: an application, or a claim in a window."""
    application, answer = voucher.application, voucher.window_answer
    if application is not None:
        return Step(
            "application",
            _("Application"),
            f"{voucher.holder.name} · #{application.pk}",
            application.amount_fen,
            [
                SignedBy(_("applied"), application.applied_by),
                SignedBy(_("reviewed"), application.reviewed_by),
                SignedBy(_("approved"), application.approved_by),
            ],
            [(_("Hash of the evaluation"), application.evaluation_digest)],
            _subjects=[application],
            _references=[f"application:{application.pk}:commit"],
        )
    assert answer is not None
    window = answer.window
    return Step(
        "claim_window",
        _("Claim window"),
        f"{window.name} · #{answer.place}",
        answer.granted_fen,
        [SignedBy(_("drafted"), window.drafted_by), SignedBy(_("opened"), window.opened_by)],
        [(_("Place"), answer.place), (_("Claimed at"), answer.arrived_at)],
        _subjects=[_Named("vouchers.claimwindow", window.pk, "claim_window.opened")],
        _references=[f"window:{window.pk}:open:commit", f"window:{window.pk}:open:allocate"],
    )


def _issued_by(voucher: Voucher) -> list[str]:
    if voucher.window_answer is None:
        return [f"voucher:{voucher.pk}:issue"]
    made_out = Transfer.objects.filter(
        kind="issue", postings__destination=voucher.available_id
    ).values_list("reference", flat=True)
    return list(made_out)


def follow_award(award: SubsidyAward) -> Trail:
    """The trail of what a rule awarded for a period."""
    award = (
        SubsidyAward.objects.select_related(
            "version__programme__envelope__book",
            "version__programme__envelope__issuer",
            "version__drafted_by",
            "version__approved_by_1",
            "version__approved_by_2",
            "beneficiary",
            "proposed_by",
            "approved_by_1",
            "approved_by_2",
        )
        .filter(pk=award.pk)
        .get()
    )
    envelope = award.version.programme.envelope
    steps = [
        *(_budget(envelope) if envelope else ()),
        _terms(award.version),
        Step(
            "award",
            _("Subsidy award"),
            award.beneficiary.name,
            award.amount_fen,
            [
                SignedBy(_("proposed"), award.proposed_by),
                SignedBy(_("approved"), award.approved_by_1),
                SignedBy(_("approved"), award.approved_by_2),
            ],
            [
                (_("Period"), f"{award.period_start} – {award.period_end}"),
                *award.facts.items(),
                (_("Hash of the evaluation"), award.evaluation_digest),
            ],
            _subjects=[award],
            _references=[f"award:{award.pk}:commit", f"award:{award.pk}:earn"],
        ),
    ]
    return _filled(f"#{award.pk}", award.amount_fen, [*steps, *_payout(award.payable_id)])


@dataclass(frozen=True)
class _Named:
    """A subject of which only one kind of event belongs to the step."""

    label: str
    pk: int
    kind: str


def _budget(envelope: Envelope) -> list[Step]:
    lines = Appropriation.objects.filter(envelope=envelope, state="approved").select_related(
        "funding_source", "proposed_by", "approved_by", "transfer"
    )
    steps = [
        Step(
            "appropriation",
            line.get_kind_display() if line.kind == "cut" else _("Appropriation"),
            f"{line.funding_source.name} ({line.funding_source.get_level_display()})",
            line.amount_fen,
            [SignedBy(_("proposed"), line.proposed_by), SignedBy(_("approved"), line.approved_by)],
            _subjects=[line],
            _references=[line.transfer.reference] if line.transfer else [],
        )
        for line in lines.order_by("pk")
    ]
    return [
        *steps,
        Step(
            "envelope",
            _("Envelope"),
            envelope.name,
            facts=[(_("Issuer"), envelope.issuer.name), (_("Book"), str(envelope.book))],
            note=_("Within an envelope every fen is like every other.") if len(steps) > 1 else "",
            _subjects=[envelope],
        ),
    ]


def _terms(version: PolicyVersion) -> Step:
    return Step(
        "policy_version",
        _("Policy version"),
        f"{version.programme.name} · {version.label}",
        signatures=[
            SignedBy(_("drafted"), version.drafted_by),
            SignedBy(_("approved"), version.approved_by_1),
            SignedBy(_("approved"), version.approved_by_2),
        ],
        facts=[
            (_("Effective from"), version.effective_from),
            (_("Hash of the terms"), version.terms_digest),
        ],
        _subjects=[version],
    )


def _usage(charge: Charge | None) -> list[Step]:
    if charge is None:
        return []
    order = charge.order
    job = Job.objects.select_related("platform").filter(allocation=order.allocation_id).first()
    records = list(UsageRecord.objects.filter(job=job, state="accepted").order_by("period"))
    workload = order.placement.workload
    return [
        Step(
            "usage",
            _("Metered usage"),
            f"{workload.reference} @ {order.placement.pool.code}",
            charge.total_fen,
            facts=[
                (_("Platform"), job.platform.name if job else None),
                (_("Reports accepted"), len(records)),
                (_("Accelerator-hours"), charge.accelerator_hours.normalize()),
                (_("Energy (kWh)"), charge.energy_kwh and charge.energy_kwh.normalize()),
                (_("Carbon (kg CO₂)"), charge.carbon_kg and charge.carbon_kg.normalize()),
            ],
            note=_("The charge: the voucher's part goes on below, the rest the enterprise pays."),
            _subjects=[charge, *([job] if job else [])],
        )
    ]


def _payout(payable_id: int | None) -> list[Step]:
    payable = (
        Payable.objects.select_related("payee", "proposed_by", "approved_by_1", "approved_by_2")
        .filter(pk=payable_id or 0)
        .first()
    )
    if payable is None:
        return []
    item = (
        PayoutItem.objects.select_related(
            "batch__made_by", "batch__checked_by", "batch__released_by", "bank_account"
        )
        .filter(payable=payable)
        .exclude(state__in=["withdrawn", "reissued", "returned"])
        .order_by("-pk")
        .first()
    )
    owed = Step(
        "payable",
        _("Payable"),
        f"{payable.payee.name} · {payable.reference}",
        payable.amount_fen,
        [
            SignedBy(_("proposed"), payable.proposed_by),
            SignedBy(_("approved"), payable.approved_by_1),
            SignedBy(_("approved"), payable.approved_by_2),
        ],
        _subjects=[payable],
        _references=[f"payable:{payable.pk}:approve"],
    )
    return [owed, *(_batch(payable, item) if item else ())]


def _batch(payable: Payable, item: PayoutItem) -> list[Step]:
    batch: PayoutBatch = item.batch
    number = item.bank_account.number
    return [
        Step(
            "payout_batch",
            _("Payout batch"),
            f"#{batch.pk} · {item.end_to_end_id}",
            item.amount_fen,
            [
                SignedBy(_("made"), batch.made_by),
                SignedBy(_("checked"), batch.checked_by),
                SignedBy(_("released for payment"), batch.released_by),
            ],
            [
                (_("Control total (fen)"), batch.control_total_fen),
                (_("Items"), batch.item_count),
                (_("Hash of the items"), batch.content_hash),
            ],
            _subjects=[batch],
            _references=[f"batch:{batch.pk}:send"],
            _keep=_first(payable.account_code, item.amount_fen),
        ),
        Step(
            "bank",
            _("Bank confirmation"),
            f"{item.bank_account.bank} …{number[-4:]}",
            item.amount_fen if item.state == "paid" else None,
            facts=[
                (_("State"), item.get_state_display()),
                (_("Bank's reference"), item.bank_reference),
                (_("Answered at"), item.answered_at),
            ],
            _subjects=[item],
            _references=[f"item:{item.pk}:confirm"],
        ),
    ]


def _first(code: str, amount_fen: int) -> Callable[[Posting], bool]:
    """Of a batch's one transfer only the posting that is this payment."""
    seen: list[int] = []

    def keep(posting: Posting) -> bool:
        if seen or posting.source.code != code or posting.amount_fen != amount_fen:
            return False
        seen.append(posting.pk)
        return True

    return keep


def _filled(title: str, amount_fen: int, steps: list[Step]) -> Trail:
    """Look up all movements and all chain entries of the trail at once."""
    wanted = [reference for step in steps for reference in step._references]
    transfers = {
        transfer.reference: transfer
        for transfer in Transfer.objects.filter(reference__in=wanted).prefetch_related(
            "postings__source", "postings__destination"
        )
    }
    entries = _entries(subject for step in steps for subject in step._subjects)
    for step in steps:
        for reference in step._references:
            if reference in transfers:
                step.movements += _movements(transfers[reference], step._keep)
        for subject in step._subjects:
            label, key, kind = _key(subject)
            step.entries += [
                entry for entry in entries.get((label, key), ()) if kind in (None, entry.kind)
            ]
    last = steps[-1]
    return Trail(title, amount_fen, steps, last.code == "bank" and last.amount_fen is not None)


def _movements(transfer: Transfer, keep: Callable[[Posting], bool]) -> list[Movement]:
    return [
        Movement(
            transfer.reference,
            transfer.kind,
            posting.source.code,
            posting.destination.code,
            posting.amount_fen,
            transfer.effective_at,
        )
        for posting in sorted(transfer.postings.all(), key=lambda each: each.pk)
        if keep(posting)
    ]


def _key(subject: Any) -> tuple[str, str, str | None]:
    if isinstance(subject, _Named):
        return subject.label, str(subject.pk), subject.kind
    return subject._meta.label_lower, str(subject.pk), None


def _entries(subjects: Iterable[Any]) -> dict[tuple[str, str], list[ChainEntry]]:
    wanted = Q(pk__in=[])
    for subject in subjects:
        label, key, _kind = _key(subject)
        wanted |= Q(subject_type=label, subject_id=key)
    found: dict[tuple[str, str], list[ChainEntry]] = {}
    events = AuditEvent.objects.filter(wanted).annotate(seal_state=seal_state())
    for event in events.select_related("link").order_by("pk"):
        link = getattr(event, "link", None)
        found.setdefault((event.subject_type, event.subject_id), []).append(
            ChainEntry(
                SealState(event.seal_state),
                link.sequence if link else None,
                link.hash if link else None,
                event.kind,
                event.actor_label,
                event.occurred_at,
            )
        )
    return found
