#!/usr/bin/env python3
"""Verify an exported audit chain offline: standard library only, trusting nobody.

    python3 verify_chain.py chain.jsonl [--head HASH] [--after-hash HASH]

Each line holds sequence, previous_hash, hash and body; hash must be
SHA-256(previous_hash + newline + body). Prints the head; exits 1 and names the first bad line when
anything was edited, removed, inserted or re-ordered, or when the head differs from --head, the one
published earlier.
"""

import argparse
import hashlib
import json
import sys


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("chain")
    parser.add_argument("--head", help="the head that was published earlier")
    parser.add_argument("--after-hash", default="0" * 64, help="hash before the first line")
    arguments = parser.parse_args()
    previous, last, count, head_seen = arguments.after_hash, None, 0, False
    with open(arguments.chain, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            row = json.loads(line)
            if last is not None and row["sequence"] != last + 1:
                return fail(number, f"sequence {row['sequence']} after {last}")
            if row["previous_hash"] != previous:
                return fail(number, "does not follow the line before it")
            digest = hashlib.sha256(f"{previous}\n{row['body']}".encode()).hexdigest()
            if digest != row["hash"]:
                return fail(number, "body does not match its hash")
            previous, last, count = digest, row["sequence"], count + 1
            head_seen = head_seen or digest == arguments.head
    if arguments.head and not head_seen:
        print(f"FAILED: the published head {arguments.head} is not in this chain")
        return 1
    print(f"ok: {count} events, sequence {last}, head {previous}")
    return 0


def fail(number: int, why: str) -> int:
    print(f"FAILED at line {number}: {why}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
