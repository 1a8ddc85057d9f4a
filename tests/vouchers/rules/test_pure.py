"""The engine and the presets stand without Django and without any other room."""

import subprocess
import sys

CHECK = """
import sys
import vouchers.rules.simulate, vouchers.rules.cliffs, vouchers.presets
rooms = ("django", "celery", "psycopg", "ledger", "audit", "identity", "treasury", "marketplace")
print([name for name in sys.modules if name.split(".")[0] in rooms])
"""


def test_rules_and_presets_import_no_framework_and_no_other_room():
    found = subprocess.run(
        [sys.executable, "-c", CHECK], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
