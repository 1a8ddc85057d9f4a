"""The Merkle tree over the chain: leaf i (from 0) is the hash of link i + 1, as 32 bytes.

Roots of complete blocks of 1024 leaves are kept, so that any proof reads a few blocks of links and
the block roots, whatever the length of the chain.
"""

import base64
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from django.conf import settings
from django.db.models import Max

from audit import merkle
from audit.models import AuditEvent, AuditLink, Checkpoint, MerkleBlock
from audit.notes import Signer, signed_by
from audit.refusals import CheckpointKeyMissing, NoSuchCheckpoint, NotInACheckpoint

BLOCK = 1024


def signer() -> Signer:
    """The key of this installation. Raises CheckpointKeyMissing: never an unsigned checkpoint."""
    seed = settings.CHECKPOINT_KEY
    try:
        if not seed:
            raise ValueError("it is empty")
        return Signer.from_seed(settings.CHECKPOINT_ORIGIN, seed)
    except ValueError as error:
        raise CheckpointKeyMissing(why=str(error)) from error


def published_keys() -> list[str]:
    """Verifier keys: the present one, then those of earlier checkpoints, newest first."""
    used = Checkpoint.objects.values_list("verifier_key").annotate(last=Max("tree_size"))
    keys = [key for key, _last in used.order_by("-last")]
    try:
        present = signer().verifier_key
    except CheckpointKeyMissing:
        return keys
    return [present, *(key for key in keys if key != present)]


def leaf_hashes(first: int, end: int) -> list[bytes]:
    """Leaf hashes of first ≤ i < end."""
    links = AuditLink.objects.filter(sequence__gt=first, sequence__lte=end).order_by("sequence")
    return [
        merkle.leaf_hash(bytes.fromhex(each))
        for each in links.values_list("hash", flat=True).iterator(chunk_size=BLOCK)
    ]


class Tree:
    """The tree over the first `size` links; reads what it needs once."""

    def __init__(self, size: int) -> None:
        self.size = size
        complete = MerkleBlock.objects.filter(index__lt=size // BLOCK).order_by("index")
        self._roots = [bytes.fromhex(each) for each in complete.values_list("root", flat=True)]
        self._leaves: dict[int, list[bytes]] = {}

    def subtree(self, first: int, end: int) -> bytes:
        """The root over first ≤ i < end, a subtree of the tree."""
        if end - first <= BLOCK:
            block = first // BLOCK
            start = block * BLOCK
            if end - first == BLOCK and block < len(self._roots):
                return self._roots[block]
            return merkle.root_over(self._block(block)[first - start : end - start])
        roots = [self.subtree(at, min(at + BLOCK, end)) for at in range(first, end, BLOCK)]
        return merkle.root_over(roots)

    def root(self) -> bytes:
        """The root of the whole tree."""
        return self.subtree(0, self.size) if self.size else merkle.EMPTY

    def _block(self, block: int) -> list[bytes]:
        if block not in self._leaves:
            start = block * BLOCK
            self._leaves[block] = leaf_hashes(start, min(start + BLOCK, self.size))
        return self._leaves[block]


def grow_blocks(size: int) -> None:
    """Keep the roots of blocks that became complete with the link `size`."""
    have = MerkleBlock.objects.count()
    for index in range(have, size // BLOCK):
        root = merkle.root_over(leaf_hashes(index * BLOCK, (index + 1) * BLOCK))
        MerkleBlock.objects.create(index=index, root=root.hex())


def checkpoint_of(size: int | None = None) -> Checkpoint:
    """The checkpoint over `size` links, or the newest. Raises NoSuchCheckpoint."""
    rows = Checkpoint.objects.order_by("tree_size")
    found = rows.last() if size is None else rows.filter(tree_size=size).first()
    if found is None:
        raise NoSuchCheckpoint(size=size if size is not None else 0)
    return found


def inclusion_proof(event: AuditEvent, *, size: int | None = None) -> dict[str, Any]:
    """What an outsider needs to see that `event` is in a signed checkpoint, as plain JSON.

    In the newest checkpoint, or in that over `size` links. Raises NotInACheckpoint and
    NoSuchCheckpoint.
    """
    link = AuditLink.objects.filter(event_id=event.pk).first()
    checkpoint = checkpoint_of(size) if Checkpoint.objects.exists() or size else None
    if link is None or checkpoint is None or link.sequence > checkpoint.tree_size:
        raise NotInACheckpoint(event=event.pk)
    tree = Tree(checkpoint.tree_size)
    path = merkle.inclusion_path(tree.subtree, link.sequence - 1, checkpoint.tree_size)
    return {
        "what": "inclusion",
        "sequence": link.sequence,
        "previous_hash": link.previous_hash,
        "hash": link.hash,
        "body": event.body,
        "tree_size": checkpoint.tree_size,
        "path": [each.hex() for each in path],
        "checkpoint": checkpoint.note,
    }


def consistency_proof(earlier: int, size: int | None = None) -> dict[str, Any]:
    """That the checkpoint over `earlier` links is the beginning of a later one, as plain JSON."""
    before, now = checkpoint_of(earlier), checkpoint_of(size)
    if before.tree_size > now.tree_size:
        before, now = now, before
    tree = Tree(now.tree_size)
    path = merkle.consistency_path(tree.subtree, before.tree_size, now.tree_size)
    return {
        "what": "consistency",
        "earlier": before.note,
        "checkpoint": now.note,
        "path": [each.hex() for each in path],
    }


def checkpoint_faults() -> Iterator[tuple[int, str]]:
    """Checkpoints that do not fit the links they were made over: (tree size, what is wrong).

    Streams all links once, trusting neither kept blocks nor the signed text in the table.
    """
    roots: list[bytes] = []
    leaves: list[bytes] = []
    at = 0
    kept = dict(MerkleBlock.objects.values_list("index", "root"))
    previous: Checkpoint | None = None
    for checkpoint in Checkpoint.objects.order_by("tree_size"):
        for leaf in leaf_hashes(at, checkpoint.tree_size):
            leaves.append(leaf)
            at += 1
            if len(leaves) == BLOCK:
                roots.append(merkle.root_over(leaves))
                leaves = []
                if kept.get(len(roots) - 1) != roots[-1].hex():
                    yield checkpoint.tree_size, f"kept block {len(roots) - 1} is not over its links"
        if at != checkpoint.tree_size:
            yield checkpoint.tree_size, "is over more links than there are"
            return
        root = merkle.root_over([*roots, merkle.root_over(leaves)] if leaves else roots)
        yield from _faults_of(checkpoint, root.hex(), previous)
        previous = checkpoint


def _faults_of(
    checkpoint: Checkpoint, root: str, previous: Checkpoint | None
) -> Iterator[tuple[int, str]]:
    size = checkpoint.tree_size
    head = AuditLink.objects.filter(sequence=size).values_list("hash", flat=True).first()
    if checkpoint.root != root:
        yield size, "its root is not that of its links"
    if checkpoint.head_hash != head:
        yield size, "its head is not that of its last link"
    if checkpoint.previous_id != (previous.pk if previous else None):
        yield size, "does not follow the checkpoint before it"
    if not signed_by(checkpoint.note, checkpoint.verifier_key):
        yield size, "its signature is not valid"
    if not checkpoint.note.startswith(note_text(checkpoint)):
        yield size, "its columns say something else than what was signed"


def note_text(checkpoint: Checkpoint) -> str:
    """What is signed: C2SP tlog-checkpoint, with three lines of our own."""
    root = base64.b64encode(bytes.fromhex(checkpoint.root)).decode()
    origin = checkpoint.verifier_key.split("+", 1)[0]
    lines = [
        origin,
        str(checkpoint.tree_size),
        root,
        f"head {checkpoint.head_hash}",
        f"previous {checkpoint.previous.tree_size if checkpoint.previous else 0}",
        f"at {checkpoint.made_at.astimezone(UTC).isoformat(timespec='seconds')}",
    ]
    return "\n".join(lines) + "\n"
