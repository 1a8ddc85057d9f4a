"""Shapes of enquiries, notices and suspense."""

from rest_framework import serializers

from ledger.money import LARGEST_FEN
from treasury.actions.read_bank_notice import NoticeRead
from treasury.models import BankEnquiry, SuspenseEntry


class EnquirySerializer(serializers.ModelSerializer[BankEnquiry]):
    end_to_end_id = serializers.CharField(source="item.end_to_end_id", read_only=True)

    class Meta:
        model = BankEnquiry
        fields = [
            "id",
            "item",
            "end_to_end_id",
            "question",
            "asked_by",
            "asked_at",
            "answer",
            "answered_by",
            "answered_at",
        ]


class EnquiryRequest(serializers.Serializer[None]):
    question = serializers.CharField(max_length=2000)


class BankSaidRequest(serializers.Serializer[None]):
    answer = serializers.CharField(max_length=2000)


class SuspenseSerializer(serializers.ModelSerializer[SuspenseEntry]):
    class Meta:
        model = SuspenseEntry
        fields = [
            "id",
            "issuer",
            "book",
            "bank_reference",
            "amount_fen",
            "note",
            "state",
            "booked_by",
            "booked_at",
            "item",
            "explanation",
            "cleared_by",
            "cleared_at",
        ]


class SuspenseRequest(serializers.Serializer[None]):
    amount_fen = serializers.IntegerField(min_value=1, max_value=LARGEST_FEN)
    bank_reference = serializers.CharField(max_length=200)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class ClearRequest(serializers.Serializer[None]):
    """`item`: the payment that came back; without it, it was handed over to its owner."""

    item = serializers.IntegerField(required=False, allow_null=True, default=None)
    explanation = serializers.CharField(max_length=2000)


class NoticeRequest(serializers.Serializer[None]):
    camt054 = serializers.CharField(trim_whitespace=False, help_text="ISO 20022 camt.054 XML")


class NoticeReadSerializer(serializers.Serializer[NoticeRead]):
    answers = serializers.IntegerField(help_text="entries that name our payments")
    batches = serializers.SerializerMethodField()
    suspended = SuspenseSerializer(many=True)

    def get_batches(self, read: NoticeRead) -> list[int]:
        return [batch.pk for batch in read.batches]
