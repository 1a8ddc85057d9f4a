"""Shapes of the programme office's API. Money is integer fen (CNY)."""

import json
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ledger.money import LARGEST_FEN
from vouchers.green_gates import stated_gates
from vouchers.models import (
    Application,
    AwardBasis,
    AwardCorrection,
    EntitlementAnswer,
    PolicyVersion,
    Preset,
    Programme,
    Redemption,
    SubsidyAward,
    Voucher,
)
from vouchers.rules import Part, Terms, render, schema_of_facts


class TermsReasonSerializer(serializers.Serializer[None]):
    """One clause and how it stands: met, unmet, unknown or note."""

    code = serializers.CharField()
    clause = serializers.CharField()
    text_en = serializers.CharField()
    text_zh = serializers.CharField()
    status = serializers.CharField()
    satisfied = serializers.BooleanField()
    fact = serializers.CharField(allow_null=True)


class CalculationStepSerializer(serializers.Serializer[None]):
    """One intermediate of a calculation; `value` is an integer or an exact decimal as text."""

    name = serializers.CharField()
    value = serializers.JSONField()
    unit = serializers.CharField()
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class PossibleChangeSerializer(serializers.Serializer[None]):
    """What would change the answer, and the amount then (null: not known)."""

    fact = serializers.CharField(allow_null=True)
    clause = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    amount_fen = serializers.IntegerField(allow_null=True)
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class MissingParameterSerializer(serializers.Serializer[None]):
    """A parameter the source does not state."""

    pointer = serializers.CharField()
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class PresetSerializer(serializers.ModelSerializer[Preset]):
    missing = MissingParameterSerializer(many=True, read_only=True)

    class Meta:
        model = Preset
        fields = [
            "id",
            "family",
            "kind",
            "name_zh",
            "name_en",
            "adcode",
            "region_zh",
            "evidence",
            "version_status",
            "state",
            "openable",
            "missing",
        ]


class PresetDetailSerializer(PresetSerializer):
    document = serializers.DictField(read_only=True)

    class Meta(PresetSerializer.Meta):
        fields = [*PresetSerializer.Meta.fields, "document"]


class PresetQuestionRequest(serializers.Serializer[None]):
    facts = serializers.DictField(help_text="named by basis and unit; see the preset's schema")
    at = serializers.DateTimeField(required=False, help_text="now, unless told")


class ProgrammeSerializer(serializers.ModelSerializer[Programme]):
    issuer_name = serializers.CharField(source="issuer.name", read_only=True)
    versions: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Programme
        fields = [
            "id",
            "code",
            "name",
            "issuer",
            "issuer_name",
            "preset",
            "envelope",
            "state",
            "versions",
        ]


class SuppliedParameter(serializers.Serializer[None]):
    """What an officer supplies where the source is silent; `source` says where it is from."""

    pointer = serializers.CharField(max_length=200)
    value = serializers.JSONField()
    source = serializers.CharField(max_length=500)  # type: ignore[assignment]


class ProgrammeRequest(serializers.Serializer[None]):
    preset = serializers.CharField(max_length=100)
    code = serializers.RegexField(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$")
    name = serializers.CharField(max_length=200)
    effective_from = serializers.DateTimeField(required=False)
    supplied = SuppliedParameter(many=True, required=False)


class ActivationRequest(serializers.Serializer[None]):
    envelope = serializers.IntegerField()


class TermsLineSerializer(serializers.Serializer[None]):
    """One clause as a sentence."""

    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class TermsCheckRequest(serializers.Serializer[None]):
    """A draft as text (YAML or JSON), or as an object."""

    text = serializers.CharField(required=False, max_length=200_000)
    terms = serializers.DictField(required=False)
    effective_from = serializers.DateTimeField(required=False)
    retroactive = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("text" in attrs) == ("terms" in attrs):
            raise serializers.ValidationError(_("Send either text or terms."))
        return attrs


class PolicyVersionRequest(TermsCheckRequest):
    """The next terms of a programme."""

    programme = serializers.IntegerField()
    effective_from = serializers.DateTimeField()


class TermsProblemSerializer(serializers.Serializer[None]):
    """`pointer` is a JSON pointer to the field."""

    pointer = serializers.CharField()
    code = serializers.CharField(required=False)
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class TermsCheckSerializer(serializers.Serializer[None]):
    """What is wrong, what is unknown, and how the terms read."""

    problems = TermsProblemSerializer(many=True)
    missing = TermsProblemSerializer(many=True)
    clauses = TermsLineSerializer(many=True)
    can_be_submitted = serializers.BooleanField()
    terms = serializers.DictField(allow_null=True)


class PolicyVersionSerializer(serializers.ModelSerializer[PolicyVersion]):
    label = serializers.CharField(read_only=True)  # type: ignore[assignment]
    programme_code = serializers.CharField(source="programme.code", read_only=True)

    class Meta:
        model = PolicyVersion
        fields = [
            "id",
            "label",
            "programme",
            "programme_code",
            "number",
            "terms_digest",
            "state",
            "drafted_by",
            "approved_by_1",
            "approved_by_2",
            "approved_by_3",
            "retroactive",
            "effective_from",
            "approved_at",
            "recorded_at",
        ]


class PolicyVersionDetailSerializer(PolicyVersionSerializer):
    """With the terms themselves, the same in plain language, and the facts they ask for."""

    terms = serializers.DictField(read_only=True)
    supplied = SuppliedParameter(many=True, read_only=True)
    text_en = serializers.CharField(read_only=True)
    text_zh = serializers.CharField(read_only=True)
    lines = TermsLineSerializer(many=True, read_only=True)
    facts_schema = serializers.DictField(read_only=True)

    class Meta(PolicyVersionSerializer.Meta):
        fields = [
            *PolicyVersionSerializer.Meta.fields,
            "terms",
            "supplied",
            "text_en",
            "text_zh",
            "lines",
            "facts_schema",
        ]

    def to_representation(self, version: PolicyVersion) -> dict[str, Any]:
        terms = Terms.load(version.terms)
        rendering = render(terms)
        spoken: Any = version
        spoken.text_en, spoken.text_zh = rendering.text_en, rendering.text_zh
        spoken.lines = [{"text_zh": zh, "text_en": en} for zh, en in rendering.lines]
        spoken.facts_schema = schema_of_facts(terms.document)
        return super().to_representation(spoken)


class QuestionRequest(serializers.Serializer[None]):
    """Facts are flat and named by basis and unit; the policy version's `facts_schema` lists them.

    What the register knows of the enterprise (USCC, place of registration) need not be given.
    """

    programme = serializers.IntegerField()
    facts = serializers.DictField()


class EntitlementAnswerSerializer(serializers.ModelSerializer[EntitlementAnswer]):
    policy_version = serializers.CharField(source="version.label", read_only=True)
    programme = serializers.IntegerField(source="version.programme_id", read_only=True)
    decision = serializers.CharField(read_only=True)
    amount_fen = serializers.IntegerField(allow_null=True, read_only=True)
    reasons = TermsReasonSerializer(many=True, read_only=True)
    steps = CalculationStepSerializer(many=True, read_only=True)
    would_change = PossibleChangeSerializer(many=True, read_only=True)
    evaluation = serializers.DictField(read_only=True)

    class Meta:
        model = EntitlementAnswer
        fields = [
            "id",
            "enterprise",
            "programme",
            "version",
            "policy_version",
            "asked_at",
            "decision",
            "amount_fen",
            "reasons",
            "steps",
            "would_change",
            "digest",
            "evaluation",
        ]

    def to_representation(self, answer: EntitlementAnswer) -> dict[str, Any]:
        read: Any = answer
        if isinstance(answer.evaluation, str):
            read.evaluation = json.loads(answer.evaluation)
        for name in ("decision", "amount_fen", "reasons", "steps"):
            setattr(read, name, read.evaluation[name])
        return super().to_representation(read)


class ApplicationSerializer(serializers.ModelSerializer[Application]):
    programme_code = serializers.CharField(source="programme.code", read_only=True)
    applicant_name = serializers.CharField(source="applicant.name", read_only=True)
    policy_version = serializers.CharField(source="version.label", read_only=True)

    class Meta:
        model = Application
        fields = [
            "id",
            "programme",
            "programme_code",
            "version",
            "policy_version",
            "applicant",
            "applicant_name",
            "amount_fen",
            "state",
            "reason",
            "evaluation_digest",
            "applied_by",
            "reviewed_by",
            "approved_by",
            "rejected_by",
            "heard_by",
            "clock_stopped_at",
            "stopped_seconds",
            "submitted_at",
            "approved_at",
        ]


class ApplicationDetailSerializer(ApplicationSerializer):
    facts = serializers.DictField(read_only=True)
    evaluation = serializers.DictField(read_only=True, allow_null=True)
    gates = serializers.SerializerMethodField()

    class Meta(ApplicationSerializer.Meta):
        fields = [*ApplicationSerializer.Meta.fields, "facts", "evaluation", "gates"]

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_gates(self, application: Application) -> list[dict[str, Any]]:
        """The programme's green conditions against what the application states."""
        terms = application.version.terms if application.version else {}
        return [each.as_dict() for each in stated_gates(terms, application.facts)]


class RejectionRequest(serializers.Serializer[None]):
    reason = serializers.CharField(max_length=2000)


class ApplicationSupplementRequest(serializers.Serializer[None]):
    """What was missing (补正): a note, and facts that correct or add to what was said."""

    note = serializers.CharField(max_length=2000, allow_blank=True, default="")
    facts = serializers.DictField(required=False)


class ApplicationAppealRequest(serializers.Serializer[None]):
    """Whether the appeal is admitted, and why."""

    admitted = serializers.BooleanField()
    reason = serializers.CharField(max_length=2000)


class IssueRequest(serializers.Serializer[None]):
    valid_through = serializers.DateField(
        required=False,
        help_text="Last civil day of validity in Shanghai; the end the terms set unless told.",
    )


class VoucherSerializer(serializers.ModelSerializer[Voucher]):
    """face = available + reserved + redeemed + lapsed. `valid_until` is the first invalid instant.

    `redeemed_fen` is what orders have spent, whether or not the government has paid it yet.
    """

    programme_code = serializers.CharField(source="programme.code", read_only=True)
    policy_version = serializers.CharField(source="version.label", read_only=True)
    holder_name = serializers.CharField(source="holder.name", read_only=True)
    available_fen = serializers.IntegerField(source="available.balance_fen", read_only=True)
    reserved_fen = serializers.IntegerField(source="reserved.balance_fen", read_only=True)
    redeemed_fen = serializers.IntegerField(read_only=True)
    settled_fen = serializers.IntegerField(read_only=True, help_text="of it, paid by the treasury")
    lapsed_fen = serializers.IntegerField(read_only=True)
    exhausted = serializers.SerializerMethodField(
        help_text="nothing is available and nothing reserved; derived, never stored"
    )

    class Meta:
        model = Voucher
        fields = [
            "id",
            "serial",
            "programme",
            "programme_code",
            "version",
            "policy_version",
            "application",
            "holder",
            "holder_name",
            "envelope",
            "face_fen",
            "available_fen",
            "reserved_fen",
            "redeemed_fen",
            "settled_fen",
            "lapsed_fen",
            "exhausted",
            "valid_from",
            "valid_until",
            "state",
        ]

    def get_exhausted(self, voucher: Voucher) -> bool:
        accounts = (voucher.available, voucher.reserved)
        return not any(account and account.balance_fen for account in accounts)


class RedeemRequest(serializers.Serializer[None]):
    order_reference = serializers.CharField(
        max_length=200, help_text="the order's name at the provider; redeemed at most once"
    )
    order_amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    amount_fen = serializers.IntegerField(
        min_value=1, max_value=LARGEST_FEN, help_text="of it, what the voucher is to pay"
    )
    provider = serializers.IntegerField(help_text="id of an organization")


class PartRequest(serializers.Serializer[None]):
    order_amount_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)
    provider = serializers.IntegerField(required=False, help_text="id of an organization")


class VoucherPartSerializer(serializers.Serializer[Part]):
    """amount_fen + own_part_fen is the order."""

    decision = serializers.CharField()
    amount_fen = serializers.IntegerField()
    own_part_fen = serializers.IntegerField()
    steps = CalculationStepSerializer(many=True)
    reasons = TermsReasonSerializer(many=True)
    policy_version = serializers.CharField()


class RedemptionSerializer(serializers.ModelSerializer[Redemption]):
    voucher_serial = serializers.CharField(source="voucher.serial", read_only=True)
    provider_name = serializers.CharField(source="provider.name", read_only=True)
    policy_version = serializers.CharField(source="version.label", read_only=True)
    deadline_at = serializers.DateTimeField(source="hold.deadline_at", read_only=True)

    class Meta:
        model = Redemption
        fields = [
            "id",
            "voucher",
            "voucher_serial",
            "version",
            "policy_version",
            "order_reference",
            "provider",
            "provider_name",
            "reserved_fen",
            "committed_fen",
            "returned_fen",
            "reserved_at",
            "deadline_at",
            "payable",
            "state",
        ]


class SubsidyAwardSerializer(serializers.ModelSerializer[SubsidyAward]):
    policy_version = serializers.CharField(source="version.label", read_only=True)
    programme = serializers.IntegerField(source="version.programme_id", read_only=True)
    beneficiary_name = serializers.CharField(source="beneficiary.name", read_only=True)

    class Meta:
        model = SubsidyAward
        fields = [
            "id",
            "programme",
            "version",
            "policy_version",
            "beneficiary",
            "beneficiary_name",
            "period_start",
            "period_end",
            "amount_fen",
            "state",
            "stages",
            "position",
            "notice_until",
            "reason",
            "evaluation_digest",
            "proposed_by",
            "approved_by_1",
            "approved_by_2",
            "payable",
            "proposed_at",
        ]


class TradeSerializer(serializers.Serializer[None]):
    """One order as the books have it: amounts in fen, parties by USCC."""

    order = serializers.IntegerField()
    on = serializers.DateField()
    buyer = serializers.CharField()
    seller = serializers.CharField()
    total_fen = serializers.IntegerField()
    refunded_fen = serializers.IntegerField()
    settled_fen = serializers.IntegerField()
    cancelled = serializers.BooleanField()
    ties = serializers.ListField(child=serializers.CharField())


class ExclusionSerializer(serializers.Serializer[None]):
    """What does not count, and why. Each fen is excluded once."""

    order = serializers.IntegerField()
    reason = serializers.CharField()
    amount_fen = serializers.IntegerField()
    detail = serializers.CharField()
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class BasisDocumentSerializer(serializers.Serializer[None]):
    """A basis gathered from the books: gross_fen = excluded_fen + basis_fen."""

    method = serializers.CharField()
    fact = serializers.CharField()
    beneficiary = serializers.CharField()
    period_start = serializers.DateField()
    period_end = serializers.DateField()
    known_at = serializers.DateTimeField()
    trades = TradeSerializer(many=True)
    exclusions = ExclusionSerializer(many=True)
    gross_fen = serializers.IntegerField()
    excluded_fen = serializers.IntegerField()
    basis_fen = serializers.IntegerField()


class AwardBasisSerializer(serializers.ModelSerializer[AwardBasis]):
    """`text` is the canonical JSON that `digest` is the SHA-256 of."""

    text = serializers.CharField(source="document", read_only=True)
    document = serializers.SerializerMethodField()

    class Meta:
        model = AwardBasis
        fields = ["number", "digest", "basis_fen", "gathered_at", "document", "text"]

    @extend_schema_field(BasisDocumentSerializer)
    def get_document(self, basis: AwardBasis) -> dict[str, Any]:
        return dict(json.loads(basis.document))


class SubsidyAwardDetailSerializer(SubsidyAwardSerializer):
    facts = serializers.DictField(read_only=True)
    evaluation = serializers.DictField(read_only=True)
    bases = AwardBasisSerializer(many=True, read_only=True)
    gates = serializers.SerializerMethodField()

    class Meta(SubsidyAwardSerializer.Meta):
        fields = [*SubsidyAwardSerializer.Meta.fields, "facts", "evaluation", "bases", "gates"]

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_gates(self, award: SubsidyAward) -> list[dict[str, Any]]:
        """The programme's green conditions against what the award states: metric, op, asked,
        actual, met, layer, source."""
        return [each.as_dict() for each in stated_gates(award.version.terms, award.facts)]


class AwardCorrectionSerializer(serializers.ModelSerializer[AwardCorrection]):
    class Meta:
        model = AwardCorrection
        fields = [
            "id",
            "award",
            "cause",
            "before_fen",
            "now_fen",
            "difference_fen",
            "state",
            "reason",
            "evaluation_digest",
            "proposed_by",
            "proposed_at",
            "approved_by_1",
            "approved_by_2",
            "payable",
            "recoveries",
        ]


class AwardReasonRequest(serializers.Serializer[None]):
    reason = serializers.CharField(max_length=2000)


class AwardRequest(serializers.Serializer[None]):
    policy_version = serializers.IntegerField()
    beneficiary = serializers.IntegerField(help_text="id of an organization")
    period_start = serializers.DateField()
    period_end = serializers.DateField(help_text="the day after the last")
    facts = serializers.DictField()
