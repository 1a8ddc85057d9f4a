"""What the database itself holds true about public money, beyond check constraints."""

import pgtrigger


def signs_a_batch() -> pgtrigger.Trigger:
    """Each signature on a batch is also kept over all of its versions (see Signature)."""
    acts = {"made": "made_by_id", "checked": "checked_by_id", "released": "released_by_id"}
    written = "\n".join(
        f"""
        IF NEW.{column} IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.{column} IS NULL) THEN
            INSERT INTO treasury_signature (batch_id, lineage, person_id, act)
            VALUES (NEW.id, COALESCE(NEW.lineage, NEW.id), NEW.{column}, '{act}');
        END IF;
        """  # noqa: S608 - the names are ours, four lines up
        for act, column in acts.items()
    )
    return pgtrigger.Trigger(
        name="batch_signature_is_kept",
        operation=pgtrigger.Insert | pgtrigger.Update,
        when=pgtrigger.After,
        func=f"{written}\nRETURN NULL;",
    )


def freezes_exactly_its_items() -> pgtrigger.Trigger:
    """I8: a batch is frozen only with the total and count of its items."""
    return pgtrigger.Trigger(
        name="batch_is_frozen_with_its_total",
        operation=pgtrigger.Update,
        when=pgtrigger.Before,
        condition=pgtrigger.Q(old__state="draft", new__state="frozen"),
        declare=[("total", "numeric"), ("pieces", "bigint")],
        func="""
            SELECT COALESCE(SUM(amount_fen), 0), COUNT(*) INTO total, pieces
              FROM treasury_payoutitem WHERE batch_id = NEW.id AND state = 'queued';
            IF pieces = 0 OR total IS DISTINCT FROM NEW.control_total_fen
               OR pieces IS DISTINCT FROM NEW.item_count THEN
                RAISE EXCEPTION 'batch % does not add up', NEW.id
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_frozen_batch_adds_up';
            END IF;
            RETURN NEW;
        """,
    )


def pays_an_approved_payable() -> pgtrigger.Trigger:
    """An item joins a draft batch, pays one approved payable of its book in full, to its payee."""
    return pgtrigger.Trigger(
        name="item_pays_an_approved_payable",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        func="""
            -- The lock keeps a batch from being frozen between this look and our commit.
            PERFORM 1 FROM treasury_payoutbatch WHERE id = NEW.batch_id FOR SHARE;
            IF NOT EXISTS (
                SELECT 1 FROM treasury_payable p
                  JOIN treasury_payoutbatch b ON b.id = NEW.batch_id
                  JOIN treasury_bankaccount a ON a.id = NEW.bank_account_id
                 WHERE p.id = NEW.payable_id AND b.state = 'draft' AND p.book_id = b.book_id
                   AND p.issuer_id = b.issuer_id AND p.amount_fen = NEW.amount_fen
                   AND p.state = 'in_batch' AND a.organization_id = p.payee_id
                   AND a.state = 'verified'
            ) THEN
                RAISE EXCEPTION 'item does not pay an approved payable'
                    USING ERRCODE = 'check_violation',
                          CONSTRAINT = 'a_payout_item_pays_an_approved_payable_in_full';
            END IF;
            RETURN NEW;
        """,
    )
