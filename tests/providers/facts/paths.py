"""Where the research facts lie beside a development checkout; tests skip clearly without them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

SHARED_FACTS = Path(__file__).parents[3].parent / "shared" / "facts"


def shared_facts(name: str) -> Any:
    """Content of a research facts file, or a clear skip where it is not present."""
    path = SHARED_FACTS / name
    if not path.exists():
        pytest.skip(f"the research facts ({name}) are not beside this checkout")
    return yaml.safe_load(path.read_text(encoding="utf-8"))
