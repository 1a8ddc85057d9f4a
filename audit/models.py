"""The append-only chain of events, and the deliveries that carry news upward."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable


class AuditEvent(models.Model):
    """One thing that happened, written in the transaction that made it so.

    `body` is the canonical JSON of everything else in the row and the only thing that is hashed.
    """

    kind = models.TextField(_("kind"))
    subject_type = models.TextField(_("subject type"))
    subject_id = models.TextField(_("subject"))
    person_id = models.BigIntegerField(_("person"), null=True)
    organization_id = models.BigIntegerField(_("organization"), null=True)
    actor_label = models.TextField(_("actor"))
    occurred_at = models.DateTimeField(_("occurred at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())
    data = models.JSONField(_("data"))
    body = models.TextField(_("canonical body"))

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="audit_event_subject"),
            models.Index(fields=["kind", "id"], name="audit_event_kind"),
        ]
        triggers = [
            *immutable("audit_event"),
            pgtrigger.Trigger(
                name="audit_event_names_its_transaction_first",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                level=pgtrigger.Statement,
                # A transaction has its number before it draws an id: the sealer counts on it.
                func="PERFORM pg_current_xact_id(); RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_type}:{self.subject_id}"


class AuditLink(models.Model):
    """An event's place in the chain: hash = SHA-256(previous hash, newline, body).

    Written by the sealer after the commit of its event (audit/seal.py). No foreign key: the sealer
    is the only writer, events are never deleted, and the proof of the chain looks at every row.
    """

    APPLICATION_MAY = ("SELECT",)

    sequence = models.BigIntegerField(_("sequence"), primary_key=True)
    event = models.OneToOneField(
        AuditEvent, models.PROTECT, related_name="link", db_constraint=False
    )
    previous_hash = models.CharField(_("previous hash"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64)

    class Meta:
        verbose_name = _("chain link")
        verbose_name_plural = _("chain links")
        triggers = immutable("audit_link")

    def __str__(self) -> str:
        return f"{self.sequence} {self.hash[:12]}"


class SealingCursor(models.Model):
    """Every event up to `last_event_id` is sealed, or stands in an UnseenRange, or never was."""

    APPLICATION_MAY = ("SELECT",)

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_event_id = models.BigIntegerField(_("last event"), default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_sealing_cursor")
        ]

    def __str__(self) -> str:
        return str(self.last_event_id)


class UnseenRange(models.Model):
    """Ids the sealer passed by and did not see: rolled back, or not committed yet.

    Forgotten once every transaction with a number below `ends_before` has ended.
    """

    APPLICATION_MAY = ("SELECT",)

    first_id = models.BigIntegerField(_("first event"), primary_key=True)
    last_id = models.BigIntegerField(_("last event"))
    ends_before = models.BigIntegerField(_("ends before transaction"), null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_id__gte=models.F("first_id")),
                name="an_unseen_range_holds_an_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.first_id}–{self.last_id}"


class Checkpoint(models.Model):
    """The signed state of the chain: its first `tree_size` links have this Merkle root and head.

    `note` is what was signed and its signature (audit/notes.py); `verifier_key` the public key.
    """

    tree_size = models.BigIntegerField(_("links"), primary_key=True)
    root = models.CharField(_("Merkle root"), max_length=64)
    head_hash = models.CharField(_("hash of the last link"), max_length=64)
    previous = models.OneToOneField("self", models.PROTECT, null=True, related_name="next")
    made_at = models.DateTimeField(_("made at"))
    verifier_key = models.TextField(_("verifier key"))
    note = models.TextField(_("signed note"))

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        triggers = immutable("checkpoint")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(tree_size__gt=0)
                & (models.Q(previous=None) | models.Q(tree_size__gt=models.F("previous_id"))),
                name="a_checkpoint_is_over_more_than_the_one_before",
            ),
            models.UniqueConstraint(
                models.ExpressionWrapper(
                    models.Q(previous=None), output_field=models.BooleanField()
                ),
                condition=models.Q(previous=None),
                name="there_is_one_first_checkpoint",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tree_size} {self.root[:12]}"


class MerkleBlock(models.Model):
    """The root over the complete block `index` of 1024 links; kept so that proofs are quick."""

    index = models.BigIntegerField(_("block"), primary_key=True)
    root = models.CharField(_("Merkle root"), max_length=64)

    class Meta:
        triggers = immutable("merkle_block")

    def __str__(self) -> str:
        return f"{self.index} {self.root[:12]}"


class Delivery(models.Model):
    """One reaction to one event: run exactly once, retried with backoff, parked when poisonous."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        DONE = "done", _("done")
        PARKED = "parked", _("parked")

    event = models.ForeignKey(AuditEvent, models.PROTECT, related_name="deliveries")
    reaction = models.TextField(_("reaction"))
    state = models.TextField(_("state"), choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due at"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True, default="")

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["event", "reaction"], name="a_reaction_runs_once_for_an_event"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state="pending"),
                name="delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reaction} ← {self.event_id}"


class OutboxCursor(models.Model):
    """How far along the chain deliveries have been written. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(_("sequence"), default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_outbox_cursor")
        ]

    def __str__(self) -> str:
        return str(self.sequence)
