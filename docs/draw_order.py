#!/usr/bin/env python3
"""Repeat the draw of a claim window: `python3 draw_order.py draw-record.json`.

The file is the answer of /api/v1/claim-windows/<id>/draw-record. Nothing but Python is needed.
"""

import hashlib
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    record = json.load(file)
seed, promised = record["seed"], record["seed_commitment"]
if hashlib.sha256(seed.encode()).hexdigest() != promised:
    sys.exit("The seed is not the one whose hash was published before the window opened.")
tickets = {
    entry["uscc"]: hashlib.sha256(f"{seed}:{entry['uscc']}".encode()).hexdigest()
    for entry in record["entries"]
}
drawn = sorted(tickets, key=lambda uscc: (tickets[uscc], uscc))
published = [each["uscc"] for each in sorted(record["entries"], key=lambda each: each["place"])]
if drawn != published:
    sys.exit("The published order is not the one the seed gives.")
print(f"The order of {len(drawn)} entries follows from the seed.")
