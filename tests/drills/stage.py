"""`python -m tests.drills.stage`: something to spend in the database of DATABASE_URL, as JSON.

One voucher of 10,000 CNY on an envelope with a redemption quota (one budget row for everybody) and
a claim window in which half of the enterprises can be served.
"""

import json
from datetime import date, timedelta

ENTERPRISES = 120
SERVED = 60


def main() -> None:
    import django

    django.setup()
    from django.utils import timezone

    from audit.outbox import doorbell
    from identity.models import Membership
    from tests.factories import make_key, make_organization
    from tests.vouchers.office import make_office, make_programme, make_voucher
    from tests.vouchers.windows import FACE_FEN, make_rush
    from vouchers.actions.add_redemption_quota import add_redemption_quota

    doorbell.listen(lambda: None)
    office = make_office()
    programme = make_programme(office)
    voucher, holder = make_voucher(office, programme=programme, valid_through=date(2099, 12, 31))
    add_redemption_quota(
        envelope=voucher.envelope,
        amount_fen=voucher.face_fen,
        reference="drill",
        actor=office.decider,
        at=timezone.now() - timedelta(days=1),
    )
    rush = make_rush(ENTERPRISES, office=office, tranche_fen=SERVED * FACE_FEN)
    key = make_key(
        Membership.objects.get(user_id=holder.person_id, organization_id=holder.organization_id)
    )
    print(
        json.dumps(
            {
                "voucher": voucher.pk,
                "face_fen": voucher.face_fen,
                "holder": holder.organization_id,
                "person": holder.person_id,
                "key": key,
                "provider": make_organization("provider").pk,
                "window": rush.window.pk,
                "window_face_fen": FACE_FEN,
                "enterprises": [each.organization_id for each in rush.applicants],
            }
        )
    )


if __name__ == "__main__":
    main()
