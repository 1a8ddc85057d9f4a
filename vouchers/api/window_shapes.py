"""Shapes of claim windows over HTTP. Money is integer fen (CNY)."""

from typing import Any

from rest_framework import serializers

from ledger.money import LARGEST_FEN
from vouchers.claiming.claim_batch import REASONS, reason_code
from vouchers.models import ClaimWindow, WindowAdmission, WindowAnswer


def amount(**more: Any) -> serializers.IntegerField:
    """A positive whole number of fen that a JSON client holds exactly."""
    return serializers.IntegerField(min_value=1, max_value=LARGEST_FEN, **more)


class ClaimWindowSerializer(serializers.ModelSerializer[ClaimWindow]):
    programme_code = serializers.CharField(source="programme.code", read_only=True)
    policy_version = serializers.CharField(source="version.label", read_only=True)

    class Meta:
        model = ClaimWindow
        fields = [
            "id",
            "name",
            "programme",
            "programme_code",
            "policy_version",
            "envelope",
            "order",
            "admission",
            "region_prefix",
            "remainder",
            "face_fen",
            "tranche_fen",
            "opens_at",
            "closes_at",
            "valid_until",
            "seed_commitment",
            "seed",
            "places_taken",
            "state",
        ]


class WindowRequest(serializers.Serializer[None]):
    """A window to draft; a second person opens it."""

    programme = serializers.IntegerField(help_text="id of an active programme")
    name = serializers.CharField(max_length=200)
    tranche_fen = amount()
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    valid_through = serializers.DateField(help_text="last civil day in Shanghai, inclusive")
    order = serializers.ChoiceField(ClaimWindow.Order.choices, default="first_come")
    admission = serializers.ChoiceField(ClaimWindow.Admission.choices, default="terms")
    region_prefix = serializers.RegexField(r"^[0-9]{0,6}$", default="", allow_blank=True)
    remainder = serializers.ChoiceField(ClaimWindow.Remainder.choices, default="partial")
    face_fen = amount(required=False)


class TopUpRequest(serializers.Serializer[None]):
    amount_fen = amount()
    reference = serializers.RegexField(r"^[\w.-]{1,60}$", help_text="the same one adds once")


class AdmissionRequest(serializers.Serializer[None]):
    facts = serializers.DictField(default=dict, help_text="what the terms ask for")


class WindowAdmissionSerializer(serializers.ModelSerializer[WindowAdmission]):
    """`token` goes into `Authorization: Claim <token>` of the claim itself."""

    token = serializers.CharField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True, help_text="ask again: a new token")

    class Meta:
        model = WindowAdmission
        fields = ["window", "enterprise", "amount_fen", "admitted_at", "token", "expires_at"]


class ClaimRequest(serializers.Serializer[None]):
    """A claim. Empty: everything one was admitted for."""

    amount_fen = amount(required=False)


class ReasonedAnswerSerializer(serializers.ModelSerializer[WindowAnswer]):
    """An answer with its reason. `left_fen` was left at this answer's turn."""

    reason = serializers.SerializerMethodField()
    text_en = serializers.SerializerMethodField()
    text_zh = serializers.SerializerMethodField()

    class Meta:
        model = WindowAnswer
        fields = [
            "id",
            "window",
            "state",
            "place",
            "asked_fen",
            "granted_fen",
            "left_fen",
            "arrived_at",
            "reason",
            "text_en",
            "text_zh",
        ]

    def get_reason(self, answer: WindowAnswer) -> str:
        return self._texts(answer)["reason"]

    def get_text_en(self, answer: WindowAnswer) -> str:
        return self._texts(answer)["text_en"]

    def get_text_zh(self, answer: WindowAnswer) -> str:
        return self._texts(answer)["text_zh"]

    def _texts(self, answer: WindowAnswer) -> dict[str, str]:
        return REASONS[reason_code(answer.state, answer.asked_fen, answer.granted_fen)]


class WindowAnswerSerializer(ReasonedAnswerSerializer):
    """The same with who was answered and the voucher once it is made out."""

    uscc = serializers.CharField(source="enterprise.uscc", read_only=True)
    voucher = serializers.SerializerMethodField(help_text="serial, once it is made out")

    class Meta(ReasonedAnswerSerializer.Meta):
        fields = [*ReasonedAnswerSerializer.Meta.fields, "enterprise", "uscc", "voucher"]

    def get_voucher(self, answer: WindowAnswer) -> str | None:
        voucher = getattr(answer, "voucher", None)
        return voucher.serial if voucher else None


class LiveWindowSerializer(serializers.Serializer[Any]):
    """The window at one instant of the database's clock (`as_of`).

    `claimable_fen` is what a new claim could still get: nothing while anybody waits, even if some
    fen remain. It is never more than the ledger held at `as_of`.
    """

    as_of = serializers.DateTimeField()
    phase = serializers.ChoiceField(
        ["announced", "running", "suspended", "over", "drawn", "closed", "cancelled", "drafted"]
    )
    opens_in_seconds = serializers.IntegerField()
    tranche_fen = serializers.IntegerField()
    remaining_fen = serializers.IntegerField()
    claimable_fen = serializers.IntegerField()
    places_taken = serializers.IntegerField()
    waiting = serializers.IntegerField()


class DrawEntrySerializer(serializers.Serializer[Any]):
    place = serializers.IntegerField()
    uscc = serializers.CharField()
    asked_fen = serializers.IntegerField()
    granted_fen = serializers.IntegerField(allow_null=True)


class DrawSerializer(serializers.Serializer[Any]):
    """All an outsider needs to repeat the draw: see docs/draw_order.py."""

    window = serializers.IntegerField()
    seed_commitment = serializers.CharField()
    seed = serializers.CharField()
    entries = DrawEntrySerializer(many=True)
