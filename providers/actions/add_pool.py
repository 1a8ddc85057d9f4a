"""Add like capacity to a facility."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.models import AcceleratorModel, Facility, Pool, PoolWindow
from providers.policy import require_provider
from providers.refusals import NameTaken


@transaction.atomic
def add_pool(
    *,
    facility: Facility,
    code: str,
    accelerator: AcceleratorModel,
    units: int,
    kw_per_unit: Decimal,
    actor: Actor,
    at: datetime,
    slice_id: str | None = None,
    windows: Sequence[tuple[datetime, datetime | None]] = (),
    sample: bool = False,
) -> Pool:
    """Add a pool of `units` accelerators drawing `kw_per_unit` kW each when busy.

    `slice_id` is the one name of the physical slice on every platform; made from the place, the
    provider and the code when None. `windows` are half-open; none at all = always available.
    Raises NotPermitted, NotFound, NameTaken, Invalid (units, kw_per_unit, windows).
    """
    require_provider(actor, facility.provider_id)
    slice_id = slice_id or f"{facility.adcode}.{facility.provider.uscc}.{facility.pk}.{code}"
    if Pool.objects.filter(facility=facility, code=code).exists():
        raise NameTaken(field="code", thing="Pool", name=code)
    if Pool.objects.filter(slice_id=slice_id).exists():
        raise NameTaken(field="slice_id", thing="Slice", name=slice_id)
    pool = Pool(
        facility=facility,
        code=code,
        slice_id=slice_id,
        accelerator=accelerator,
        units=units,
        kw_per_unit=kw_per_unit,
        sample=sample,
    )
    try:
        pool.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(field, messages[0], messages[0]) from error
    pool.save()
    _open_windows(pool, windows)
    record(
        "pool.added",
        subject=pool,
        actor=actor,
        at=at,
        data={
            "facility_id": facility.pk,
            "code": code,
            "slice_id": slice_id,
            "accelerator": accelerator.code,
            "units": units,
            "kw_per_unit": kw_per_unit,
            "sample": sample,
        },
    )
    return pool


def _open_windows(pool: Pool, windows: Sequence[tuple[datetime, datetime | None]]) -> None:
    last: datetime | None = None
    for number, (starts_at, ends_at) in enumerate(sorted(windows, key=lambda w: w[0])):
        if ends_at is not None and ends_at <= starts_at:
            raise Invalid("windows", "a window ends before it starts", "时段的结束早于开始")
        if number and (last is None or starts_at < last):
            raise Invalid("windows", "windows overlap", "时段重叠")
        last = ends_at
    PoolWindow.objects.bulk_create(
        PoolWindow(pool=pool, available=DateTimeTZRange(starts_at, ends_at))
        for starts_at, ends_at in windows
    )
