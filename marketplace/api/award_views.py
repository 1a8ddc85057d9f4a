"""Awards from the books over HTTP: look at a basis, propose from it, recheck an award."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.decisions import Invalid, NotFound
from identity.authentication import actor_of
from identity.models import Organization
from identity.permissions import has_role
from marketplace.actions.award_from_books import award_from_books, gather_for, recheck_award
from vouchers import policy
from vouchers.models import PolicyVersion

OFFICE = has_role(*policy.DECIDERS, *policy.REVIEWERS)


class BasisRequest(serializers.Serializer[None]):
    """Whose trade, in which period, for which terms."""

    policy_version = serializers.IntegerField()
    beneficiary = serializers.IntegerField(help_text="id of an organization")
    period_start = serializers.DateField()
    period_end = serializers.DateField(help_text="the day after the last")


class GatheredBasisSerializer(serializers.Serializer[None]):
    """The document as it would be kept, and its SHA-256."""

    digest = serializers.CharField()
    basis_fen = serializers.IntegerField()
    document = serializers.DictField()


class ProposedAwardSerializer(serializers.Serializer[None]):
    """The award; read the rest at /subsidy-awards/{id}."""

    id = serializers.IntegerField()
    amount_fen = serializers.IntegerField()
    state = serializers.CharField()
    basis_fen = serializers.IntegerField()
    digest = serializers.CharField()


class RecheckRequest(serializers.Serializer[None]):
    award = serializers.IntegerField()
    cause = serializers.CharField(max_length=500)


class RecheckedSerializer(serializers.Serializer[None]):
    """`correction` is null where the books still say the same."""

    correction = serializers.IntegerField(allow_null=True)
    difference_fen = serializers.IntegerField()


def _asked(request: Request) -> dict[str, object]:
    body = BasisRequest(data=request.data)
    body.is_valid(raise_exception=True)
    asked = dict(body.validated_data)
    if asked["period_end"] <= asked["period_start"]:
        raise Invalid("period_end", "must be after the first day", "须晚于起始日")
    actor = actor_of(request)
    rows = policy.visible_versions(actor).filter(programme__issuer_id=actor.organization_id)
    version: PolicyVersion | None = rows.filter(pk=asked.pop("policy_version")).first()
    if version is None:
        raise Invalid("policy_version", "there is no such object", "没有这个对象")
    beneficiary = Organization.objects.filter(pk=asked.pop("beneficiary")).first()
    if beneficiary is None:
        raise Invalid("beneficiary", "there is no such object", "没有这个对象")
    return {**asked, "version": version, "beneficiary": beneficiary, "at": timezone.now()}


class AwardBasisView(APIView):
    """The basis the books tell, row by row. Reads only."""

    permission_classes = [OFFICE]

    @extend_schema(
        operation_id="award_bases_gather", request=BasisRequest, responses=GatheredBasisSerializer
    )
    def post(self, request: Request) -> Response:
        basis = gather_for(**_asked(request))  # type: ignore[arg-type]
        return Response(
            {
                "digest": basis.digest,
                "basis_fen": basis.basis_fen,
                "document": dict(basis.document),
            }
        )


class AwardFromBooksView(APIView):
    """Propose what the rule grants on the basis the books tell."""

    permission_classes = [OFFICE]

    @extend_schema(
        operation_id="award_bases_propose",
        request=BasisRequest,
        responses={201: ProposedAwardSerializer},
    )
    def post(self, request: Request) -> Response:
        award = award_from_books(**_asked(request), actor=actor_of(request))  # type: ignore[arg-type]
        basis = award.bases.get(number=0)
        return Response(
            {
                "id": award.pk,
                "amount_fen": award.amount_fen,
                "state": award.state,
                "basis_fen": basis.basis_fen,
                "digest": basis.digest,
            },
            status=status.HTTP_201_CREATED,
        )


class AwardRecheckView(APIView):
    """Gather an award's basis again and raise the difference."""

    permission_classes = [OFFICE]

    @extend_schema(
        operation_id="award_bases_recheck", request=RecheckRequest, responses=RecheckedSerializer
    )
    def post(self, request: Request) -> Response:
        body = RecheckRequest(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        award = policy.visible_awards(actor).filter(pk=body.validated_data["award"]).first()
        if award is None:
            raise NotFound(thing="subsidy award")
        correction = recheck_award(
            award=award, cause=body.validated_data["cause"], actor=actor, at=timezone.now()
        )
        return Response(
            {
                "correction": correction.pk if correction else None,
                "difference_fen": correction.difference_fen if correction else 0,
            }
        )
