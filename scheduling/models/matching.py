"""Plans: who may make one, what it was made from, and what it chose."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import (
    immutable,
    moves_only_along,
    names_what_exists,
    never_deleted,
    written_once,
)
from providers.models import GreenRating, Pool, PriceVersion
from scheduling import moves
from scheduling.models.workloads import Workload


class MatchingLease(models.Model):
    """Who may plan a market now. The token fences off a holder that lost its lease.

    `backend_pid` and `backend_started_at` name the holder's database session: once that is gone,
    so is the holder, and the lease need not run out first.
    """

    market = models.TextField(primary_key=True)
    token = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    backend_pid = models.IntegerField(null=True)
    backend_started_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.market} #{self.token}"


class MatchRun(models.Model):
    """One plan: its inputs, seed, prices and certificate, so that it can be replayed."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        PARKED = "parked", _("parked")
        ABANDONED = "abandoned", _("abandoned")

    class Kind(models.TextChoices):
        BATCH = "batch", _("whole market")
        INCREMENTAL = "incremental", _("new workloads between two plans")
        SHARDED = "sharded", _("planned in shards")
        SHARD = "shard", _("one shard")

    kind = models.TextField(_("kind"), choices=Kind, default=Kind.BATCH)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="shards")
    scope = models.JSONField(_("scope"), default=dict, blank=True)
    market = models.TextField(_("market"), default="all")
    state = models.TextField(_("state"), choices=State, default=State.RUNNING)
    token = models.BigIntegerField(_("lease token"))
    horizon_starts_at = models.DateTimeField(_("horizon starts at"))
    hours = models.PositiveIntegerField(_("hours"))
    seed = models.BigIntegerField(_("seed"), default=0)
    carbon_price_fen_per_kg = models.PositiveIntegerField(_("carbon price (fen/kg)"))
    input_digest = models.CharField(_("hash of the input"), max_length=64, blank=True, default="")
    inputs = models.JSONField(_("inputs"), null=True, blank=True)
    certificate = models.JSONField(_("certificate"), null=True, blank=True)
    progress = models.JSONField(_("progress"), default=dict, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("match run")
        verbose_name_plural = _("match runs")
        triggers = [
            moves_only_along("match_run", moves.MATCH_RUN_MOVES),
            *never_deleted("match_run"),
        ]

    def __str__(self) -> str:
        return f"{self.market} #{self.pk}"


class MatchArchive(models.Model):
    """What a run was made from and what it chose, as compressed columns, so that it can be replayed
    for any job: a million jobs do not fit into one JSON value. Written once."""

    run = models.OneToOneField(MatchRun, models.PROTECT, primary_key=True, related_name="archive")
    market = models.BinaryField(_("market"))
    plan = models.BinaryField(_("plan"))

    class Meta:
        verbose_name = _("match archive")
        verbose_name_plural = _("match archives")
        triggers = immutable("match_archive")

    def __str__(self) -> str:
        return f"{self.run_id}"


class Placement(models.Model):
    """The pool and hours chosen for a workload, with reasons and the best rejected alternatives.

    `price_version` pins the price that was quoted; `holds_capacity` says that the proposal's hours
    are kept for it (`PoolHour.proposed`) until it is accepted, declined or expires. `replaces` is
    the placement it took the place of. An empty `explanation` is computed from the run's archive.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("failed")

    run = models.ForeignKey(
        MatchRun, models.PROTECT, related_name="placements", db_constraint=False
    )
    workload = models.ForeignKey(
        Workload, models.PROTECT, related_name="placements", db_constraint=False
    )
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="placements", db_constraint=False)
    rating = models.ForeignKey(
        GreenRating, models.PROTECT, null=True, blank=True, db_constraint=False, db_index=False
    )
    price_version = models.ForeignKey(
        PriceVersion, models.PROTECT, null=True, blank=True, db_constraint=False, db_index=False
    )
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, db_index=False)
    holds_capacity = models.BooleanField(_("holds capacity"), default=False, db_default=False)
    state = models.TextField(_("state"), choices=State, default=State.PROPOSED)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    segments = models.JSONField(_("hours"), help_text=_("half-open [from, to] instants"))
    price_fen = models.PositiveBigIntegerField(_("price before voucher (fen)"))
    voucher_fen = models.PositiveBigIntegerField(_("voucher part (fen)"))
    price_fen_per_unit_hour = models.PositiveBigIntegerField(_("price (fen per unit-hour)"))
    energy_kwh = models.DecimalField(_("energy (kWh)"), max_digits=18, decimal_places=3)
    carbon_kg = models.DecimalField(
        _("carbon (kg CO₂)"), max_digits=18, decimal_places=3, null=True, blank=True
    )
    explanation = models.JSONField(_("explanation"))
    valid_until = models.DateTimeField(_("valid until"))

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [
            models.UniqueConstraint(
                fields=["workload"],
                condition=Q(state__in=["proposed", "accepted"]),
                name="a_workload_has_one_standing_placement",
            ),
            models.CheckConstraint(
                condition=Q(voucher_fen__lte=F("price_fen")),
                name="a_voucher_pays_at_most_the_price",
            ),
        ]
        indexes = [  # most placements have neither: a plan of a million rows skips these
            models.Index(
                fields=["rating"], condition=Q(rating__isnull=False), name="placements_by_rating"
            ),
            models.Index(
                fields=["replaces"],
                condition=Q(replaces__isnull=False),
                name="placements_that_replace",
            ),
        ]
        triggers = [
            moves_only_along("placement", moves.PLACEMENT_MOVES),
            written_once(
                "placement", "run_id", "workload_id", "pool_id", "rating_id", "price_version_id"
            ),
            names_what_exists("placement", "run", "scheduling_matchrun"),
            names_what_exists("placement", "workload", "scheduling_workload"),
            names_what_exists("placement", "pool", "providers_pool"),
            names_what_exists("placement", "rating", "providers_greenrating"),
            names_what_exists("placement", "price_version", "providers_priceversion"),
        ]

    def __str__(self) -> str:
        return f"{self.workload} → {self.pool}"

    @property
    def own_fen(self) -> int:
        """What the enterprise pays itself."""
        return self.price_fen - self.voucher_fen
