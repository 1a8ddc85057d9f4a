"""Sign the state of the chain, so that nobody can rewrite what is behind it unseen."""

from datetime import datetime

from django.db import connection, transaction

from audit.chain import broken_links
from audit.checkpoints import Tree, grow_blocks, note_text, signer
from audit.models import AuditLink, Checkpoint
from audit.refusals import ChainIsBroken, NothingToCheckpoint
from audit.seal import seal_events

LOCK = 72813  # one checkpoint at a time


def make_checkpoint(*, at: datetime) -> Checkpoint:
    """Seal what was committed, verify what is new since the last checkpoint, and sign the whole.

    Returns the last checkpoint where no link is new. Raises CheckpointKeyMissing (nothing is
    written), NothingToCheckpoint, and ChainIsBroken, naming the first link that does not verify.
    """
    key = signer()
    seal_events()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        last = Checkpoint.objects.order_by("-tree_size").first()
        head = AuditLink.objects.order_by("-sequence").first()
        if head is None:
            raise NothingToCheckpoint
        if last is not None and last.tree_size == head.sequence:
            return last
        after = last.tree_size if last else 0
        for fault in broken_links(after=after, upto=head.sequence):
            raise ChainIsBroken(sequence=fault.sequence, what=fault.what)
        if last is not None:
            stands = AuditLink.objects.filter(sequence=after, hash=last.head_hash).exists()
            if not stands:
                raise ChainIsBroken(sequence=after, what="is not the one that was signed")
        grow_blocks(head.sequence)
        checkpoint = Checkpoint(
            tree_size=head.sequence,
            root=Tree(head.sequence).root().hex(),
            head_hash=head.hash,
            previous=last,
            made_at=at.replace(microsecond=0),
            verifier_key=key.verifier_key,
        )
        checkpoint.note = key.sign(note_text(checkpoint))
        checkpoint.save(force_insert=True)
        return checkpoint
