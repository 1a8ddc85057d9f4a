"""Books, accounts, transfers of postings, and two-phase holds.

Value goes from a source to a destination, so a list of postings cannot be unbalanced. Only
accounts with a floor keep a running balance; it is moved by the insertion of postings and by
nothing else. A hold moves value aside at once (so floors count it) and is resolved exactly once.

Transfers, postings, holds and their resolutions are written by one SQL function only,
`ledger_post_batch` (docs/decisions/0008-one-writer.md); the application's role may not insert
them itself. Guards are statement triggers: they judge a whole batch at once.
"""

import pgtrigger
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.triggers import immutable, never_emptied


class Book(models.Model):
    """The ledger of one issuing government and budget year, in one unit."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    issuer_adcode = models.CharField(_("issuer's GB/T 2260 code"), max_length=6)
    budget_year = models.PositiveSmallIntegerField(_("budget year"))
    unit = models.TextField(_("unit"), default="CNY_FEN")
    state = models.TextField(_("state"), choices=State, default=State.OPEN)
    closed_until = models.DateTimeField(
        _("closed until"),
        null=True,
        blank=True,
        help_text=_("Nothing effective before this instant is posted any more."),
    )

    APPLICATION_MAY = ("SELECT", "INSERT")  # closing is a function's

    class Meta:
        verbose_name = _("book")
        verbose_name_plural = _("books")
        constraints = [
            models.UniqueConstraint(
                fields=["issuer_adcode", "budget_year", "unit"],
                name="one_book_for_an_issuer_and_year",
            )
        ]

    def __str__(self) -> str:
        return f"{self.issuer_adcode}/{self.budget_year}"


class Account(models.Model):
    """A place where value rests. `code` follows the chart in docs/guides/how-a-fen-travels.md."""

    book = models.ForeignKey(Book, models.PROTECT, related_name="accounts")
    code = models.TextField(_("code"))
    floor_fen = models.BigIntegerField(_("floor (fen)"), null=True, blank=True)
    balance_fen = models.BigIntegerField(
        _("balance (fen)"),
        default=0,
        help_text=_("Kept only for accounts with a floor; others are summed from postings."),
    )
    # Accounts that many wait for are locked last, and so for the shortest time. Everybody locks
    # in the order (lock_rank, id): nobody then waits for somebody who waits for them.
    lock_rank = models.GeneratedField(
        expression=Case(When(code__startswith="env:", then=Value(1)), default=Value(0)),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    APPLICATION_MAY = ("SELECT", "INSERT")  # postings move balances

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(fields=["book", "code"], name="a_code_names_one_account"),
            models.CheckConstraint(
                condition=Q(floor_fen__isnull=True) | Q(balance_fen__gte=F("floor_fen")),
                name="an_account_never_falls_below_its_floor",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="account_balance_moves_only_by_postings",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF pg_trigger_depth() < 2 THEN
                        RAISE EXCEPTION 'account %: only postings move a balance', OLD.id;
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="account_starts_empty",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__balance_fen__df=0),
                func="RAISE EXCEPTION 'a new account holds nothing';",
            ),
            pgtrigger.Protect(name="account_is_never_deleted", operation=pgtrigger.Delete),
            never_emptied("account"),
        ]

    def __str__(self) -> str:
        return self.code


class Transfer(models.Model):
    """One business movement: all of its postings, or none."""

    reference = models.TextField(_("reference"))  # unique below, without a second index for LIKE
    body_hash = models.CharField(_("hash of the body"), max_length=64)
    kind = models.TextField(_("kind"))
    # No foreign key: a share lock on one busy row for each transfer. Accounts have one.
    book = models.ForeignKey(
        Book, models.PROTECT, related_name="transfers", db_constraint=False, db_index=False
    )
    effective_at = models.DateTimeField(_("effective at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())
    policy_version = models.TextField(_("policy version"), null=True, blank=True)
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    person_id = models.BigIntegerField(_("person"), null=True)
    transaction_id = models.BigIntegerField(
        db_default=models.Func(function="txid_current", output_field=models.BigIntegerField())
    )

    APPLICATION_MAY = ("SELECT",)  # ledger_post_batch writes

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="a_reference_names_one_transfer")
        ]
        indexes = [models.Index(fields=["book", "effective_at"], name="transfer_by_time")]
        triggers = [
            *immutable("transfer"),
            pgtrigger.Trigger(
                name="transfer_needs_an_open_book",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="written"),
                declare=[("fault", "record")],
                func="""
                    -- Shared with other writers; `ledger_close` waits for all of them.
                    PERFORM pg_advisory_xact_lock_shared(7282, book_id::integer)
                       FROM (SELECT DISTINCT book_id FROM written ORDER BY book_id) books;
                    SELECT b.id, b.state, w.transaction_id = txid_current() AS now INTO fault
                      FROM written w JOIN ledger_book b ON b.id = w.book_id
                     WHERE b.state <> 'open' OR w.effective_at < b.closed_until
                        OR w.transaction_id <> txid_current()
                     LIMIT 1;
                    IF NOT FOUND THEN RETURN NULL; END IF;
                    IF NOT fault.now THEN
                        RAISE EXCEPTION 'a transfer names the transaction that writes it'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_transfer_is_written_now';
                    ELSIF fault.state <> 'open' THEN
                        RAISE EXCEPTION 'book % is closed', fault.id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_transfer_needs_an_open_book';
                    END IF;
                    RAISE EXCEPTION 'that period of book % is closed', fault.id
                        USING ERRCODE = 'check_violation',
                              CONSTRAINT = 'a_closed_period_takes_no_transfer';
                """,
            ),
            pgtrigger.Trigger(
                name="transfer_is_whole_at_commit",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func="""
                    IF NOT EXISTS (SELECT 1 FROM ledger_posting WHERE transfer_id = NEW.id) THEN
                        RAISE EXCEPTION 'transfer % moves nothing', NEW.reference
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_transfer_has_postings';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Posting(models.Model):
    """One line of a transfer: a source, a destination and an amount."""

    # No foreign keys: they would check row by row and lock busy accounts. The trigger below checks
    # all rows of a statement at once, and neither transfers nor accounts can be deleted.
    transfer = models.ForeignKey(
        Transfer, models.PROTECT, related_name="postings", db_constraint=False
    )
    source = models.ForeignKey(
        Account, models.PROTECT, related_name="postings_out", db_constraint=False
    )
    destination = models.ForeignKey(
        Account, models.PROTECT, related_name="postings_in", db_constraint=False
    )
    amount_fen = models.BigIntegerField(_("amount (fen)"))

    APPLICATION_MAY = ("SELECT",)  # ledger_post_batch writes

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0) & Q(amount_fen__lt=2**53),
                name="a_posting_moves_a_positive_amount",
            ),
            models.CheckConstraint(
                condition=~Q(source=F("destination")), name="a_posting_goes_somewhere_else"
            ),
        ]
        triggers = [
            *immutable("posting"),
            pgtrigger.Trigger(
                name="posting_moves_the_balances",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="written"),
                declare=[
                    ("postings", "integer"),
                    ("transfer", "bigint"),
                    ("source", "bigint"),
                    ("destination", "bigint"),
                    ("amount", "bigint"),
                    ("ranks_differ", "boolean"),
                ],
                func="""
                    -- Most statements write one posting: its rows are found by their keys.
                    SELECT count(*), min(transfer_id), min(source_id), min(destination_id),
                           min(amount_fen)
                      INTO postings, transfer, source, destination, amount FROM written;
                    IF postings = 1 THEN
                        SELECT s.lock_rank <> d.lock_rank INTO ranks_differ
                          FROM ledger_transfer t
                          JOIN ledger_account s ON s.book_id = t.book_id
                          JOIN ledger_account d ON d.book_id = t.book_id
                         WHERE t.id = transfer AND t.transaction_id = txid_current()
                           AND s.id = source AND d.id = destination;
                        IF NOT ranks_differ THEN  -- in the order of ids
                            UPDATE ledger_account
                               SET balance_fen = balance_fen
                                   + CASE id WHEN destination THEN amount ELSE -amount END
                             WHERE id IN (source, destination) AND floor_fen IS NOT NULL;
                            RETURN NULL;
                        END IF;
                    END IF;
                    -- A transfer closes with its transaction and stays in its book.
                    IF EXISTS (
                        -- LIMIT keeps each look-up by its key, however many rows there are.
                        SELECT 1 FROM written w
                          LEFT JOIN LATERAL (
                              SELECT book_id FROM ledger_transfer
                               WHERE id = w.transfer_id AND transaction_id = txid_current() LIMIT 1
                          ) t ON true
                          LEFT JOIN LATERAL (
                              SELECT id FROM ledger_account
                               WHERE id = w.source_id AND book_id = t.book_id LIMIT 1
                          ) s ON true
                          LEFT JOIN LATERAL (
                              SELECT id FROM ledger_account
                               WHERE id = w.destination_id AND book_id = t.book_id LIMIT 1
                          ) d ON true
                         WHERE s.id IS NULL OR d.id IS NULL
                    ) THEN
                        RAISE EXCEPTION 'posting outside its transfer or book'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_posting_belongs_to_its_transfer_and_book';
                    END IF;
                    PERFORM 1 FROM ledger_account
                     WHERE floor_fen IS NOT NULL
                       AND id IN (SELECT source_id FROM written
                                  UNION ALL SELECT destination_id FROM written)
                     ORDER BY lock_rank, id FOR NO KEY UPDATE;
                    UPDATE ledger_account a SET balance_fen = a.balance_fen + moved.fen
                      FROM (SELECT account_id, sum(fen) AS fen
                              FROM (SELECT source_id AS account_id, -amount_fen AS fen FROM written
                                    UNION ALL SELECT destination_id, amount_fen FROM written) each
                             GROUP BY account_id) moved
                     WHERE a.id = moved.account_id AND a.floor_fen IS NOT NULL AND moved.fen <> 0;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_fen}"


class Hold(models.Model):
    """Value set aside until a deadline, for one destination or to go back."""

    reference = models.TextField(_("reference"), unique=True)
    placed_by = models.OneToOneField(Transfer, models.PROTECT, related_name="hold")
    source = models.ForeignKey(Account, models.PROTECT, related_name="+")
    held_in = models.ForeignKey(Account, models.PROTECT, related_name="holds")
    amount_fen = models.BigIntegerField(_("amount (fen)"))
    deadline_at = models.DateTimeField(_("deadline"))

    APPLICATION_MAY = ("SELECT",)  # ledger_post_batch writes

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0), name="a_hold_sets_something_aside"
            )
        ]
        indexes = [models.Index(fields=["deadline_at"], name="hold_deadline")]
        triggers = immutable("hold")

    def __str__(self) -> str:
        return self.reference


class HoldResolution(models.Model):
    """How a hold ended: posted (wholly or in part), voided or expired; exactly once."""

    class Outcome(models.TextChoices):
        POSTED = "posted", _("posted")
        VOIDED = "voided", _("voided")
        EXPIRED = "expired", _("expired")

    hold = models.OneToOneField(Hold, models.PROTECT, related_name="resolution")
    outcome = models.TextField(_("outcome"), choices=Outcome)
    posted_fen = models.BigIntegerField(_("posted (fen)"))
    transfer = models.OneToOneField(Transfer, models.PROTECT, related_name="resolves")
    resolved_at = models.DateTimeField(_("resolved at"))

    APPLICATION_MAY = ("SELECT",)  # ledger_post_batch writes

    class Meta:
        verbose_name = _("hold resolution")
        verbose_name_plural = _("hold resolutions")
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="posted", posted_fen__gt=0)
                | (~Q(outcome="posted") & Q(posted_fen=0)),
                name="only_a_posted_hold_pays",
            )
        ]
        triggers = [
            *immutable("hold_resolution"),
            pgtrigger.Trigger(
                name="resolution_keeps_to_its_hold",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("held", "ledger_hold%ROWTYPE")],
                func="""
                    SELECT * INTO held FROM ledger_hold WHERE id = NEW.hold_id;
                    IF NEW.posted_fen > held.amount_fen THEN
                        RAISE EXCEPTION 'more posted than held'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_hold_never_posts_more_than_it_holds';
                    END IF;
                    IF NEW.outcome = 'posted' AND NEW.resolved_at >= held.deadline_at THEN
                        RAISE EXCEPTION 'posted after the deadline'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_hold_is_posted_before_its_deadline';
                    END IF;
                    IF NEW.outcome = 'expired' AND NEW.resolved_at < held.deadline_at THEN
                        RAISE EXCEPTION 'expired before the deadline'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'a_hold_expires_at_its_deadline';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hold_id} {self.outcome}"
