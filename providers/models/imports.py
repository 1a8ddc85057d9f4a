"""Files of pools: what was sent, what would become of every row, and what was done."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.triggers import moves_only_along, never_deleted, starts_as, written_once
from identity.models import Organization, User

IMPORT_MOVES = (
    ("uploaded", "checking"),
    ("checking", "checked"),
    ("checking", "refused"),
    ("checked", "queued"),
    ("checked", "applied"),
    ("queued", "applied"),
    ("checked", "stale"),
    ("queued", "stale"),
)


class ImportFile(models.Model):
    """One file. Checking it (the dry run) writes nothing but its rows' fates.

    A file with a refused row is refused whole; a checked one is applied whole or, when the
    inventory moved meanwhile, stale. `rows_checked` of `rows_total` is the progress of a check.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("every row fits")
        REFUSED = "refused", _("refused: a row is wrong")
        QUEUED = "queued", _("waiting to be written")
        APPLIED = "applied", _("written")
        STALE = "stale", _("stale: the inventory has changed since the check")

    MOVES = IMPORT_MOVES

    provider = models.ForeignKey(Organization, models.PROTECT, related_name="imports")
    filename = models.TextField(_("file"))
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    content = models.BinaryField(_("content"))
    state = models.TextField(_("state"), choices=State, default=State.UPLOADED)
    rows_total = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    rows_checked = models.PositiveIntegerField(_("rows checked"), default=0)
    rows_created = models.PositiveIntegerField(_("new"), default=0)
    rows_changed = models.PositiveIntegerField(_("changed"), default=0)
    rows_unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rows_refused = models.PositiveIntegerField(_("refused"), default=0)
    problem = models.TextField(_("why the file cannot be read"), blank=True, default="")
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+", null=True, blank=True)
    uploaded_at = models.DateTimeField(_("uploaded at"))
    applied_at = models.DateTimeField(_("written at"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["checked", "queued", "applied"]) | Q(rows_refused=0),
                name="a_file_with_a_refused_row_is_not_written",
            ),
            models.CheckConstraint(
                condition=Q(rows_total__isnull=True) | Q(rows_checked__lte=F("rows_total")),
                name="no_more_rows_are_checked_than_there_are",
            ),
        ]
        triggers = [
            *never_deleted("import"),
            starts_as("import", "uploaded"),
            moves_only_along("import", IMPORT_MOVES),
            written_once("import", "provider_id", "sha256", "content", "applied_at"),
        ]

    def __str__(self) -> str:
        return self.filename


class ImportRow(models.Model):
    """What would become of one row. `values` as read; `problems` by column when refused."""

    class Fate(models.TextChoices):
        CREATE = "create", _("new")
        CHANGE = "change", _("changed")
        UNCHANGED = "unchanged", _("unchanged")
        REFUSE = "refuse", _("refused")

    file = models.ForeignKey(ImportFile, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(_("row"))
    fate = models.TextField(_("fate"), choices=Fate)
    values = models.JSONField(_("values"))
    problems = models.JSONField(_("problems"), default=list)

    class Meta:
        verbose_name = _("row of an import")
        verbose_name_plural = _("rows of imports")
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="a_row_has_one_fate"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.number}"
