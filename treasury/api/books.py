"""The ledger, read only. It stands here because reading it asks who is asking: ledger and identity
are strangers, and the treasury knows both."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import actor_of
from ledger.models import Account, Book, Posting, Transfer
from ledger.queries import balance_fen
from treasury import queries


class BookSerializer(serializers.ModelSerializer[Book]):
    class Meta:
        model = Book
        fields = ["id", "issuer_adcode", "budget_year", "unit", "state"]


class AccountSerializer(serializers.ModelSerializer[Account]):
    """`balance_fen` is null for accounts without a floor: ask `balance` for their sum."""

    balance_fen = serializers.SerializerMethodField()

    class Meta:
        model = Account
        fields = ["id", "book", "code", "floor_fen", "balance_fen"]

    def get_balance_fen(self, account: Account) -> int | None:
        return None if account.floor_fen is None else account.balance_fen


class PostingSerializer(serializers.ModelSerializer[Posting]):
    source_code = serializers.CharField(source="source.code", read_only=True)
    destination_code = serializers.CharField(source="destination.code", read_only=True)

    class Meta:
        model = Posting
        fields = ["source", "source_code", "destination", "destination_code", "amount_fen"]


class TransferSerializer(serializers.ModelSerializer[Transfer]):
    postings = PostingSerializer(many=True, read_only=True)

    class Meta:
        model = Transfer
        fields = [
            "id",
            "reference",
            "kind",
            "book",
            "effective_at",
            "recorded_at",
            "policy_version",
            "reverses",
            "person_id",
            "postings",
        ]


class BalanceSerializer(serializers.Serializer[dict[str, Any]]):
    account = serializers.IntegerField()
    code = serializers.CharField()
    balance_fen = serializers.IntegerField()
    unit = serializers.CharField()
    as_of = serializers.DateTimeField(allow_null=True)
    known_at = serializers.DateTimeField(allow_null=True)


class BalanceQuestion(serializers.Serializer[None]):
    as_of = serializers.DateTimeField(required=False, allow_null=True, default=None)
    known_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class BookViewSet(viewsets.ReadOnlyModelViewSet[Book]):
    """Books: one for each issuer and budget year."""

    queryset = Book.objects.none()
    serializer_class = BookSerializer
    filterset_fields = ["issuer_adcode", "budget_year", "state"]

    def get_queryset(self) -> QuerySet[Book]:
        return queries.books_visible_to(actor_of(self.request))


class AccountViewSet(viewsets.ReadOnlyModelViewSet[Account]):
    """Accounts of an issuer's books; a payee sees the account of what it is owed."""

    queryset = Account.objects.none()
    serializer_class = AccountSerializer
    filterset_fields = {"book": ["exact"], "code": ["exact", "startswith"]}

    def get_queryset(self) -> QuerySet[Account]:
        return queries.accounts_visible_to(actor_of(self.request))

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "as_of", OpenApiTypes.DATETIME, description="what was effective before then"
            ),
            OpenApiParameter(
                "known_at", OpenApiTypes.DATETIME, description="what had been recorded by then"
            ),
        ],
        responses=BalanceSerializer,
    )
    @action(detail=True, methods=["get"])
    def balance(self, request: Request, pk: str) -> Response:
        """The balance summed from its postings, now or as it was, or as it was known."""
        account = self.get_object()
        question = BalanceQuestion(data=request.query_params.dict())
        question.is_valid(raise_exception=True)
        asked: dict[str, Any] = question.validated_data
        answer = {
            "account": account.pk,
            "code": account.code,
            "balance_fen": balance_fen(
                account, effective_by=asked["as_of"], recorded_by=asked["known_at"]
            ),
            "unit": account.book.unit,
            **asked,
        }
        return Response(BalanceSerializer(answer).data)


class TransferViewSet(viewsets.ReadOnlyModelViewSet[Transfer]):
    """Transfers with their postings."""

    queryset = Transfer.objects.none()
    serializer_class = TransferSerializer
    filterset_fields = ["book", "kind", "reference", "person_id"]

    def get_queryset(self) -> QuerySet[Transfer]:
        return queries.transfers_visible_to(actor_of(self.request))
