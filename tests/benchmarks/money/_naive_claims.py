"""The naive claim, for comparison: a DRF view that talks to the ORM row by row under locks.

Served as `granian --interface wsgi tests.benchmarks.money._naive_claims:application` at the same
address as the real one. It keeps the same books: answer, transfer, posting, audit event.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from audit.actions.record import record  # noqa: E402
from audit.decisions import SYSTEM  # noqa: E402
from audit.outbox import doorbell  # noqa: E402
from ledger.actions.post_transfer import Move, post_transfer  # noqa: E402
from ledger.models import Account  # noqa: E402
from vouchers.api.window_shapes import ClaimRequest, ReasonedAnswerSerializer  # noqa: E402
from vouchers.claiming.claim_token import read_token  # noqa: E402
from vouchers.models import ClaimWindow, WindowAdmission, WindowAnswer  # noqa: E402


class NaiveClaims(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request, window_id: int) -> Response:
        now = timezone.now()
        token = read_token(
            request.headers["Authorization"], window_id=window_id, now=now.timestamp()
        )
        body = ClaimRequest(data=request.data)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            window = ClaimWindow.objects.select_for_update(of=("self",)).get(pk=window_id)
            answer = WindowAnswer.objects.filter(
                window=window, enterprise=token.enterprise_id
            ).first()
            if answer is not None:
                return Response(ReasonedAnswerSerializer(answer).data)
            admission = WindowAdmission.objects.get(window=window, enterprise=token.enterprise_id)
            remaining = (
                Account.objects.select_related("book")
                .select_for_update(of=("self",))
                .get(pk=window.remaining_id)
            )
            granted = Account.objects.select_related("book").get(pk=window.granted_id)
            fits = remaining.balance_fen >= admission.amount_fen
            window.places_taken += 1
            window.last_arrival_at = now
            window.save()
            answer = WindowAnswer.objects.create(
                window=window,
                enterprise_id=token.enterprise_id,
                person_id=token.person_id,
                request_key=request.headers["Idempotency-Key"],
                request_hash="",
                asked_fen=admission.amount_fen,
                granted_fen=admission.amount_fen if fits else None,
                left_fen=remaining.balance_fen,
                place=window.places_taken,
                arrived_at=now,
                decided_at=now,
                state="granted" if fits else "waiting",
            )
            if fits:
                post_transfer(
                    reference=f"window:{window.pk}:naive:{answer.pk}",
                    kind="grant",
                    moves=[Move(remaining, granted, admission.amount_fen)],
                    effective_at=now,
                    actor=SYSTEM,
                    policy_version=window.version.label,
                )
            record("claim_window.answered", subject=window, actor=SYSTEM, at=now)
        return Response(ReasonedAnswerSerializer(answer).data, status=201)


doorbell.listen(lambda: None)  # nobody works on the news of a bench
settings.ROOT_URLCONF = __name__
urlpatterns = [path("api/v1/claim-windows/<int:window_id>/claims", NaiveClaims.as_view())]
