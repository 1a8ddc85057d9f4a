"""Ties between people and organizations: what they declared, who follows whom, and the screens."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable
from identity.models.people import Organization, User


class PersonFacts(models.Model):
    """What a person declared about themselves, for conflict screens. The newest stands.

    None means not declared, which a screen calls unknown; an empty list means "none".
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="declared_facts")
    employer_usccs = models.JSONField(_("employers (USCC)"), null=True, blank=True)
    shareholding_usccs = models.JSONField(_("shares held in (USCC)"), null=True, blank=True)
    phones = models.JSONField(_("telephones"), null=True, blank=True)
    addresses = models.JSONField(_("addresses"), null=True, blank=True)
    bank_account_numbers = models.JSONField(_("bank accounts"), null=True, blank=True)
    declared_at = models.DateTimeField(_("declared at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("declaration of interests")
        verbose_name_plural = _("declarations of interests")
        triggers = immutable("person_facts")

    def __str__(self) -> str:
        return f"{self.user_id} {self.declared_at:%Y-%m-%d}"


class Succession(models.Model):
    """An organization that follows another: merged into it, split from it, or its legal heir."""

    class Kind(models.TextChoices):
        MERGED = "merged", _("merged")
        SPLIT = "split", _("split")
        DEREGISTERED = "deregistered", _("deregistered, obligations taken over")

    predecessor = models.ForeignKey(Organization, models.PROTECT, related_name="successions")
    successor = models.ForeignKey(Organization, models.PROTECT, related_name="predecessions")
    kind = models.TextField(_("kind"), choices=Kind)
    effective_date = models.DateField(_("effective on"))
    evidence = models.TextField(_("evidence"))
    registered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    registered_at = models.DateTimeField(_("registered at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("succession")
        verbose_name_plural = _("successions")
        constraints = [
            models.UniqueConstraint(
                fields=["predecessor"], name="an_organization_has_one_successor"
            ),
            models.CheckConstraint(
                condition=~Q(predecessor=F("successor")), name="nobody_succeeds_themselves"
            ),
        ]
        triggers = immutable("succession")

    def __str__(self) -> str:
        return f"{self.predecessor_id} → {self.successor_id}"


class Affiliation(models.Model):
    """Two organizations under common control, or one of them under the other's, from a day on."""

    class Kind(models.TextChoices):
        CONTROL = "control", _("one controls the other")
        COMMON_CONTROLLER = "common_controller", _("the same controller")
        SHAREHOLDING = "shareholding", _("shares held")
        KINSHIP = "kinship", _("close relatives in charge")

    one = models.ForeignKey(Organization, models.PROTECT, related_name="affiliations")
    other = models.ForeignKey(Organization, models.PROTECT, related_name="affiliations_of_others")
    kind = models.TextField(_("kind"), choices=Kind)
    effective_date = models.DateField(_("effective on"))
    evidence = models.TextField(_("evidence"))
    registered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    registered_at = models.DateTimeField(_("registered at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("affiliation")
        verbose_name_plural = _("affiliations")
        constraints = [
            models.CheckConstraint(
                condition=~Q(one=F("other")), name="nobody_is_affiliated_with_themselves"
            ),
            models.UniqueConstraint(
                fields=["one", "other", "kind"], name="an_affiliation_is_registered_once"
            ),
        ]
        triggers = immutable("affiliation")

    def __str__(self) -> str:
        return f"{self.one_id} – {self.other_id}"


class ConflictScreen(models.Model):
    """The ties between a person and an organization, as far as known when they were asked for.

    `findings` says for each criterion "match", "clear" or "unknown"; `inputs` are what was compared
    (numbers and addresses as SHA-256 only), so that the answer can be given again.
    """

    class Result(models.TextChoices):
        CLEAR = "clear", _("no tie found")
        UNKNOWN = "unknown", _("not all is known")
        CONFLICT = "conflict", _("conflict of interest")

    person = models.ForeignKey(User, models.PROTECT, related_name="conflict_screens")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="conflict_screens")
    act = models.TextField(_("act"))
    subject_type = models.TextField(_("subject type"))
    subject_id = models.TextField(_("subject"))
    result = models.TextField(_("result"), choices=Result)
    findings = models.JSONField(_("findings"))
    inputs = models.JSONField(_("inputs"))
    inputs_hash = models.CharField(_("hash of the inputs"), max_length=64)
    screened_at = models.DateTimeField(_("screened at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        verbose_name = _("conflict screen")
        verbose_name_plural = _("conflict screens")
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="conflict_screen_subject")
        ]
        triggers = immutable("conflict_screen")

    def __str__(self) -> str:
        return f"{self.person_id} × {self.organization_id}: {self.result}"
