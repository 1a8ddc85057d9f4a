"""Shapes of claims over HTTP. Money is integer fen (CNY)."""

from typing import Any

from rest_framework import serializers

from ledger.money import LARGEST_FEN
from vouchers.models import Claim, ClaimEvidence, ClaimReview, Objection, SubsidyAward
from vouchers.rules.e_invoice import LARGEST_FILE

PIECES = 100


class _DocumentRequest(serializers.Serializer[None]):
    number = serializers.CharField(max_length=100)
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    document_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class _PeriodRequest(_DocumentRequest):
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["ends_on"] < attrs["starts_on"]:
            raise serializers.ValidationError({"ends_on": "before starts_on"})
        return attrs


class ContractRequest(_PeriodRequest):
    """The contract. Its amount only ever lowers what is granted."""

    seller_uscc = serializers.RegexField(r"^[0-9A-HJ-NP-RTUW-Y]{18}$")
    signed_on = serializers.DateField()


class PaymentRequest(_DocumentRequest):
    """A bank's receipt; `number` is its serial number."""

    paid_on = serializers.DateField()


class UsageRequest(_PeriodRequest):
    """A delivery or metering record of a period."""


class PayThenClaimRequest(serializers.Serializer[None]):
    """A claim. No field asks for the amount claimed."""

    programme = serializers.IntegerField()
    basis = serializers.CharField(required=False, allow_null=True, default=None)
    contract = ContractRequest()
    invoices = serializers.ListField(
        child=serializers.CharField(max_length=LARGEST_FILE),
        min_length=1,
        max_length=PIECES,
        help_text="The XML files of 数电发票, as issued.",
    )
    payments = PaymentRequest(many=True, allow_empty=False, max_length=PIECES)  # type: ignore[call-arg]
    usages = UsageRequest(many=True, allow_empty=False, max_length=PIECES)  # type: ignore[call-arg]
    facts = serializers.DictField(required=False, default=dict)


class SupplementRequest(serializers.Serializer[None]):
    """What was missing (补正)."""

    note = serializers.CharField(max_length=2000)
    payments = PaymentRequest(many=True, required=False, default=list, max_length=PIECES)  # type: ignore[call-arg]
    usages = UsageRequest(many=True, required=False, default=list, max_length=PIECES)  # type: ignore[call-arg]


class ClaimReasonRequest(serializers.Serializer[None]):
    """Why."""

    reason = serializers.CharField(max_length=2000)


class ClaimNoteRequest(serializers.Serializer[None]):
    """A remark of the reviewer."""

    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class AppealDecisionRequest(ClaimReasonRequest):
    """Whether the appeal is admitted, and why."""

    admitted = serializers.BooleanField()


class ObjectionRequest(serializers.Serializer[None]):
    """Why it should not be paid."""

    text = serializers.CharField(max_length=2000)


class ObjectionDecisionRequest(ClaimReasonRequest):
    """Whether the objection is upheld, and why."""

    upheld = serializers.BooleanField()


class ObjectionSerializer(serializers.ModelSerializer[Objection]):
    class Meta:
        model = Objection
        fields = ["id", "claim", "award", "text", "raised_at", "state", "decision", "decided_at"]


class ClaimEvidenceSerializer(serializers.ModelSerializer[ClaimEvidence]):
    class Meta:
        model = ClaimEvidence
        fields = [
            "kind",
            "number",
            "amount_fen",
            "dated_on",
            "starts_on",
            "ends_on",
            "fingerprint",
            "document_digest",
            "standing",
        ]


class ClaimReviewSerializer(serializers.ModelSerializer[ClaimReview]):
    class Meta:
        model = ClaimReview
        fields = ["round", "stage", "outcome", "reviewer", "note", "reviewed_at"]


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    policy_version = serializers.CharField(source="version.label", read_only=True)
    stage = serializers.CharField(allow_null=True, read_only=True)
    stages = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Claim
        fields = [
            "id",
            "programme",
            "policy_version",
            "claimant",
            "seller_uscc",
            "basis",
            "substantiated_fen",
            "amount_fen",
            "state",
            "stage",
            "stages",
            "round",
            "reason",
            "submitted_at",
            "clock_stopped_at",
            "stopped_seconds",
            "notice_opened_at",
            "notice_until",
            "approved_at",
            "payable",
        ]


class ClaimDetailSerializer(ClaimSerializer):
    """With the evidence, every automatic check, the evaluation and who answered."""

    evidence = ClaimEvidenceSerializer(many=True, read_only=True)
    reviews = ClaimReviewSerializer(many=True, read_only=True)
    objections = ObjectionSerializer(many=True, read_only=True)
    checks = serializers.ListField(child=serializers.DictField(), read_only=True)
    evaluation = serializers.DictField(read_only=True)

    class Meta(ClaimSerializer.Meta):
        fields = [
            *ClaimSerializer.Meta.fields,
            "stated",
            "checks",
            "evaluation",
            "evaluation_digest",
            "evidence",
            "reviews",
            "objections",
        ]


class PublicAwardSerializer(serializers.ModelSerializer[SubsidyAward]):
    """What the public notice (公示) shows of an award."""

    beneficiary_name = serializers.CharField(source="beneficiary.name", read_only=True)
    programme_name = serializers.CharField(source="version.programme.name", read_only=True)
    policy_version = serializers.CharField(source="version.label", read_only=True)

    class Meta:
        model = SubsidyAward
        fields = [
            "id",
            "beneficiary_name",
            "programme_name",
            "policy_version",
            "period_start",
            "period_end",
            "amount_fen",
            "notice_opened_at",
            "notice_until",
        ]


class PublicClaimSerializer(serializers.ModelSerializer[Claim]):
    """What the public notice (公示) shows of a claim."""

    claimant_name = serializers.CharField(source="claimant.name", read_only=True)
    programme_name = serializers.CharField(source="programme.name", read_only=True)
    policy_version = serializers.CharField(source="version.label", read_only=True)

    class Meta:
        model = Claim
        fields = [
            "id",
            "claimant_name",
            "programme_name",
            "policy_version",
            "amount_fen",
            "notice_opened_at",
            "notice_until",
        ]
