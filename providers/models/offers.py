"""What a pool is offered for, and its dated prices."""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, never_emptied, starts_as, written_once
from providers.models.inventory import Pool

OFFER_MOVES = (
    ("draft", "listed"),
    ("listed", "paused"),
    ("paused", "listed"),
    ("draft", "withdrawn"),
    ("listed", "withdrawn"),
    ("paused", "withdrawn"),
)


class Offer(models.Model):
    """A pool on the market. A pool has at most one offer that is not withdrawn."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        LISTED = "listed", _("listed")
        PAUSED = "paused", _("paused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Unit(models.TextChoices):
        CARD_HOUR = "card_hour", _("card-hour")
        CORE_HOUR = "core_hour", _("core-hour")

    MOVES = OFFER_MOVES

    pool = models.ForeignKey(Pool, models.PROTECT, related_name="offers")
    unit = models.TextField(_("unit"), choices=Unit, default=Unit.CARD_HOUR)
    state = models.TextField(_("state"), choices=State, default=State.DRAFT)
    sample = models.BooleanField(_("sample data"), default=False)
    drafted_at = models.DateTimeField(_("drafted at"))

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            models.UniqueConstraint(
                fields=["pool"],
                condition=~Q(state="withdrawn"),
                name="a_pool_is_offered_once_at_a_time",
            )
        ]
        triggers = [
            *never_deleted("offer"),
            starts_as("offer", "draft"),
            moves_only_along("offer", OFFER_MOVES),
            written_once("offer", "pool_id", "unit"),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.state}"


class PriceVersion(models.Model):
    """A price for a time, half-open. Never edited; an open end is closed once, by its successor."""

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="prices")
    price_fen_per_unit_hour = models.BigIntegerField(_("price (fen per unit and hour)"))
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    valid = DateTimeRangeField(_("valid"), default_bounds="[)")
    recorded_at = models.DateTimeField(_("recorded at"))
    person_id = models.BigIntegerField(_("person"), null=True)

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            ExclusionConstraint(
                name="an_offer_has_one_price_at_a_time",
                expressions=[
                    ("offer", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(price_fen_per_unit_hour__gte=0) & Q(price_fen_per_unit_hour__lt=2**40),
                name="a_price_is_not_negative",
            ),
            models.CheckConstraint(condition=Q(currency="CNY"), name="a_price_is_in_yuan"),
            models.CheckConstraint(
                condition=Q(valid__isempty=False) & Q(valid__startswith__isnull=False),
                name="a_price_holds_from_an_instant",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="price_only_gets_its_open_end_closed",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF upper(OLD.valid) IS NOT NULL OR upper(NEW.valid) IS NULL
                       OR lower(NEW.valid) IS DISTINCT FROM lower(OLD.valid)
                       OR (NEW.id, NEW.offer_id, NEW.price_fen_per_unit_hour, NEW.currency,
                           NEW.recorded_at, NEW.person_id)
                          IS DISTINCT FROM
                          (OLD.id, OLD.offer_id, OLD.price_fen_per_unit_hour, OLD.currency,
                           OLD.recorded_at, OLD.person_id)
                    THEN
                        RAISE EXCEPTION 'price %: a price is never edited', OLD.id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_price_is_never_edited';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="price_is_never_deleted", operation=pgtrigger.Delete),
            never_emptied("price"),
        ]

    def __str__(self) -> str:
        return f"{self.price_fen_per_unit_hour} {self.valid}"
