#!/usr/bin/env python3
"""Verify an audit chain offline, trusting nobody. Copy this file to a machine of your own.

    python3 verify_chain.py chain.jsonl [--head HASH] [--checkpoint NOTE ...] [--key KEY]
                                        [--earlier chain-of-last-year.jsonl]
    python3 verify_chain.py --bundle DIR [the same options]
    python3 verify_chain.py --proof proof.json [--checkpoint NOTE] [--key KEY]

Each line of a chain holds sequence, previous_hash, hash and body; hash is SHA-256(previous_hash,
newline, body). A checkpoint is a signed note: over how many links, and their Merkle root (RFC 9162;
leaf i is the hash of link i + 1). Every row that was edited, deleted, inserted or re-ordered is
named. A chain rewritten as a whole shows only against what you kept: a head, a checkpoint (names
the span), or an earlier export (names the rows). Exit code 1 on any fault. Large chains are
walked in pieces at once (--jobs); where pieces do not fit, one walk names what was done.

Standard library; `cryptography` is needed only for --key, which checks Ed25519 signatures.
"""

import argparse
import base64
import concurrent.futures
import hashlib
import json
import os
import sys
from array import array
from pathlib import Path

SHOWN, PIECE = 50, 8_000_000


def sha(data):
    return hashlib.sha256(data).digest()


def link_hash(previous, body):
    return sha(f"{previous}\n{body}".encode()).hex()


def kind_of(body):
    try:
        said = json.loads(body)
        return f"{said['kind']} of {said['subject_type']} {said['subject_id']}"
    except (ValueError, KeyError, TypeError):
        return "unreadable event"


class Tree:
    """A Merkle tree that grows by one leaf at a time: the roots of its complete subtrees."""

    def __init__(self):
        self.size, self.roots = 0, []

    def add(self, leaf):
        node, at = sha(b"\x00" + leaf), self.size
        while at & 1:
            node, at = sha(b"\x01" + self.roots.pop() + node), at >> 1
        self.roots.append(node)
        self.size += 1

    def root(self):
        node = self.roots[-1] if self.roots else sha(b"")
        for left in self.roots[-2::-1]:
            node = sha(b"\x01" + left + node)
        return node


def read_note(note, key):
    """What a checkpoint says; with `key` its signature is checked. Raises ValueError."""
    text, marks = note.rsplit("\n\n", 1)
    lines = text.split("\n")
    said = {"size": int(lines[1]), "root": base64.b64decode(lines[2], validate=True)}
    said["head"] = next((line[5:] for line in lines[3:] if line.startswith("head ")), None)
    if key:
        check_signature(text + "\n", marks, lines[0], key)
    return said


def check_signature(text, marks, origin, key):
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    name, _, encoded = key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    if name != origin:
        raise ValueError(f"it is of {origin}, the key of {name}")
    for line in marks.splitlines():
        dash, signer, mark = line.split(" ")
        raw = base64.b64decode(mark, validate=True)
        if (dash, signer, raw[:4]) == ("—", name, sha(name.encode() + b"\n" + public)[:4]):
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], text.encode())
            except InvalidSignature:
                raise ValueError("its signature is not valid") from None
            return
    raise ValueError("it is not signed with this key")


def walk_pieces(path, after_hash, jobs, piece):
    """Sequences and hashes of a chain in which all follows, walked in pieces at once; or None."""
    size = path.stat().st_size
    count = min(jobs, size // piece)
    if count < 2:
        return None
    edges = [size * each // count for each in range(count + 1)]
    numbers, hashes, previous = array("q"), bytearray(), after_hash
    with concurrent.futures.ProcessPoolExecutor(count) as pool:
        for found in pool.map(walk_piece, [path] * count, edges, edges[1:]):
            if found is None or found[0] != previous:
                return None
            if numbers and found[1][0] != numbers[-1] + 1:
                return None
            numbers += found[1]
            hashes += found[2]
            previous = hashes[-32:].hex()
    return None if after_hash == "0" * 64 and numbers[0] != 1 else (numbers, hashes)


def walk_piece(path, start, end):
    """(Hash before, sequences, hashes) of the lines that begin in [start, end) of a file, or None
    when one does not follow the other."""
    numbers, hashes, before, previous = array("q"), bytearray(), None, None
    with open(path, "rb") as lines:
        if start:
            lines.seek(start - 1)
            lines.readline()
        while lines.tell() < end and (line := lines.readline()):
            if not line.strip():
                continue
            row = json.loads(line)
            if before is None:
                before = previous = row["previous_hash"]
            elif row["sequence"] != numbers[-1] + 1:
                return None
            if row["previous_hash"] != previous or link_hash(previous, row["body"]) != row["hash"]:
                return None
            previous = row["hash"]
            numbers.append(row["sequence"])
            hashes += bytes.fromhex(previous)
    return (before, numbers, hashes) if numbers else None


def walk(path, after_hash, say):
    """Name whatever does not follow in a chain; the sequences and hashes of its rows."""
    first = None  # of each sequence and hash the first line; read when something does not fit
    numbers, hashes = array("q"), bytearray()
    previous, last, count = after_hash, None, 0
    for row in rows(path):
        number, count = row["sequence"], count + 1
        what = f"sequence {number} ({kind_of(row['body'])})"
        fresh = last is None or number > last
        follows = row["previous_hash"] == previous
        if first is None and not (fresh and follows):
            first = first_lines(path)
        if not fresh and first[number] < count:
            say(f"{what}: INSERTED, this sequence stands here twice")
        elif not fresh:
            say(f"{what}: RE-ORDERED, stands after sequence {last}")
        elif last is not None and number > last + 1:
            gone = f"{last + 1}" if number == last + 2 else f"{last + 1} to {number - 1}"
            say(f"sequence {gone}: DELETED or moved, {what} follows sequence {last}")
        elif last is None and after_hash == "0" * 64 and number != 1:
            say(f"sequence 1 to {number - 1}: DELETED, the chain begins with {what}")
        if link_hash(row["previous_hash"], row["body"]) != row["hash"]:
            say(f"{what}: EDITED, body does not match its hash")
        elif not follows and (last is None or number == last + 1):
            if first[row["hash"]] < count:
                say(f"{what}: INSERTED, a copy of an earlier row")
            elif row["previous_hash"] in first:
                say(f"{what}: RE-ORDERED, or another INSERTED before it")
            else:
                say(f"{what}: the row before it was DELETED, EDITED or INSERTED, hash and all")
        previous, last = row["hash"], number
        numbers.append(number)
        hashes += bytes.fromhex(previous)
    return numbers, hashes


def check_signed(numbers, hashes, after_hash, say, checkpoints=(), head=None):
    """Name checkpoints, and a published head, that a chain does not fit."""
    wanted = {each["size"]: each for each in checkpoints}
    tree, fits, head_seen = Tree(), 0, head is None or head == after_hash
    for place, number in enumerate(numbers):
        leaf = bytes(hashes[32 * place : 32 * place + 32])
        head_seen = head_seen or leaf.hex() == head
        if not wanted and head_seen:
            break
        tree.add(leaf)
        if number in wanted and (number == tree.size or after_hash != "0" * 64):
            said = wanted.pop(number)
            root = tree.root() if number == tree.size else said["root"]  # of a part: the head only
            if said["root"] == root and said["head"] in (None, leaf.hex()):
                fits = max(fits, number)
            else:
                span = f"sequence {fits + 1} to {number}"
                say(f"{span}: REWRITTEN, checkpoint {number} was signed over others")
    for size in sorted(wanted):
        say(f"checkpoint {size}: DELETED or moved, links it was signed over are missing")
    if not head_seen:
        say(f"the published head {head} is not in this chain: it was REWRITTEN or its end DELETED")


def rows(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def first_lines(path):
    first = {}
    for count, row in enumerate(rows(path), start=1):
        first.setdefault(row["sequence"], count)
        first.setdefault(row["hash"], count)
    return first


def compare(path, earlier, say):
    """Name rows of an earlier export that are not in this one as they were."""
    now = {row["sequence"]: row for row in rows(path)}
    before = {row["sequence"]: row for row in rows(earlier)}
    places = {}  # of each body: where it stands now and did not stand before
    for number, row in now.items():
        if number not in before or before[number]["body"] != row["body"]:
            places.setdefault(row["body"], []).append(number)
    moved = set()
    for number, row in before.items():
        what, here = f"sequence {number} ({kind_of(row['body'])})", now.get(number)
        if here is not None and here["body"] == row["body"]:
            if here["hash"] != row["hash"]:
                say(f"{what}: same event, other hash than in the earlier export")
        elif places.get(row["body"]):
            moved.add(to := places[row["body"]].pop(0))
            say(f"{what}: RE-ORDERED, now at {to}")
        elif here is None:
            say(f"{what}: DELETED since the earlier export")
        else:
            say(f"{what}: EDITED or DELETED since the earlier export")
    for number in sorted(set().union(*places.values()) - moved):
        if number <= max(before, default=0):
            what = f"sequence {number} ({kind_of(now[number]['body'])})"
            say(f"{what}: EDITED or INSERTED since the earlier export")


def verify_inclusion(proof, said):
    index, size = proof["sequence"] - 1, said["size"]
    if link_hash(proof["previous_hash"], proof["body"]) != proof["hash"]:
        raise ValueError("the body does not match its hash")
    if not 0 <= index < size:
        raise ValueError("the event is beyond the checkpoint")
    node, last = sha(b"\x00" + bytes.fromhex(proof["hash"])), size - 1
    for sibling in map(bytes.fromhex, proof["path"]):
        if last == 0:
            raise ValueError("the path is too long")
        if index & 1 or index == last:
            node = sha(b"\x01" + sibling + node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha(b"\x01" + node + sibling)
        index, last = index >> 1, last >> 1
    if last or node != said["root"]:
        raise ValueError("the path does not lead to the root of the checkpoint")


def verify_consistency(path, before, now):
    size, later = before["size"], now["size"]
    nodes = [bytes.fromhex(each) for each in path]
    if size == later:
        if nodes or before["root"] != now["root"]:
            raise ValueError("two checkpoints over the same links differ")
        return
    nodes = nodes if size & (size - 1) else [before["root"], *nodes]
    if not 0 < size < later or not nodes:
        raise ValueError("no proof")
    index, last = size - 1, later - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            raise ValueError("the path is too long")
        if index & 1 or index == last:
            old, new = sha(b"\x01" + sibling + old), sha(b"\x01" + sibling + new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            new = sha(b"\x01" + new + sibling)
        index, last = index >> 1, last >> 1
    if last or old != before["root"] or new != now["root"]:
        raise ValueError("the later chain does not begin with the earlier one")


def verify_proof(path, kept, key):
    proof = json.loads(Path(path).read_text(encoding="utf-8"))
    said = read_note(proof["checkpoint"], key)
    for each in kept:
        if each["size"] == said["size"] and each["root"] != said["root"]:
            raise ValueError(f"your checkpoint over {each['size']} links has another root")
    if proof["what"] == "consistency":
        before = read_note(proof["earlier"], key)
        for each in kept:
            if each["size"] == before["size"] and each["root"] != before["root"]:
                raise ValueError(f"your checkpoint over {each['size']} links has another root")
        verify_consistency(proof["path"], before, said)
        return f"checkpoint {said['size']} begins with checkpoint {before['size']}"
    verify_inclusion(proof, said)
    return (
        f"sequence {proof['sequence']} ({kind_of(proof['body'])}) is in checkpoint {said['size']}"
    )


def check_manifest(folder, note, say, key):
    digest = sha((folder / "manifest.json").read_bytes()).hex()
    try:
        text, marks = note.rsplit("\n\n", 1)
        origin, what, signed = text.split("\n")
        check_signature(text + "\n", marks, origin, key)
        if (what, signed) != ("export bundle", digest):
            raise ValueError("it is over another manifest")
    except ValueError as error:
        why = error if note else "there is no manifest.note"
        say(f"manifest.json: not as it was signed: {why}")


def verify_bundle(folder, say, key):
    """Every file of a bundle is as its manifest says, and nothing else is there; with `key` the
    manifest is the one that was signed."""
    note = folder / "manifest.note"
    if key:
        check_manifest(folder, note.read_text(encoding="utf-8") if note.is_file() else "", say, key)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for file in manifest["files"]:
        path = folder / file["name"]
        if not path.is_file():
            say(f"{file['name']}: DELETED from the bundle")
            continue
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != file["sha256"]:
            say(f"{file['name']}: EDITED, its SHA-256 is not that of the manifest")
    names = {file["name"] for file in manifest["files"]} | {"manifest.json", note.name}
    for path in sorted(folder.iterdir()):
        if path.name not in names:
            say(f"{path.name}: INSERTED, not in the manifest")
    return manifest


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chain", nargs="?")
    parser.add_argument("--bundle", type=Path, help="a folder made by export_bundle")
    parser.add_argument("--proof", help="a file made by prove_event")
    parser.add_argument("--head", help="hash of a link that was published earlier")
    parser.add_argument("--checkpoint", action="append", default=[], help="file with a kept note")
    parser.add_argument("--key", help="the verifier key you wrote down: name+hash+key")
    parser.add_argument("--earlier", help="an export you kept")
    parser.add_argument("--after-hash", default="0" * 64, help="hash before the first line")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pieces walked at once")
    parser.add_argument("--piece", type=int, default=PIECE, help="bytes of a piece, at least")
    options = parser.parse_args()
    if (options.chain is None) + (options.bundle is None) + (options.proof is None) != 2:
        parser.error("give a chain, --bundle or --proof")
    faults = []
    try:
        notes = [Path(name).read_text(encoding="utf-8") for name in options.checkpoint]
        chain, after_hash = options.chain, options.after_hash
        if options.bundle:
            manifest = verify_bundle(options.bundle, faults.append, options.key)
            chain, after_hash = options.bundle / "chain.jsonl", manifest["chain"]["after_hash"]
            notes += [manifest["checkpoint"]] if manifest.get("checkpoint") else []
        kept = [read_note(note, options.key) for note in notes]
        if options.proof:
            print(f"ok: {verify_proof(options.proof, kept, options.key)}")
            return 0
        chain = Path(chain)
        found = walk_pieces(chain, after_hash, options.jobs, options.piece)
        numbers, hashes = found or walk(chain, after_hash, faults.append)
        check_signed(numbers, hashes, after_hash, faults.append, kept, options.head)
        if options.earlier:
            compare(chain, options.earlier, faults.append)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        print(f"FAILED: {type(error).__name__}: {error}")
        return 1
    for fault in faults[:SHOWN]:
        print(f"FAILED: {fault}")
    if faults:
        print(f"FAILED: {len(faults)} faults in all")
        return 1
    signed = "" if not kept else f", {len(kept)} checkpoints fit"
    last, head = (numbers[-1], hashes[-32:].hex()) if numbers else (None, after_hash)
    print(f"ok: {len(numbers)} events, sequence {last}, head {head}{signed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
