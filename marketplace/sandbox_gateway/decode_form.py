"""Stripe's form encoding: `metadata[a]=1&payment_method_types[0]=card` → nested dict and list."""

import re
from typing import Any
from urllib.parse import parse_qsl

from marketplace.sandbox_gateway.refusals import wrong_param

MAX_FIELDS = 1000
MAX_DEPTH = 8


def decode_form(text: str) -> dict[str, Any]:
    """Decode a query or a body. Raises Refused where a name is used as two kinds of thing."""
    tree: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise wrong_param("", "Too many parameters.") from None
    for name, value in pairs:
        if "[" not in name:
            steps = [name]
        else:
            steps = [name.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", name)]
        if len(steps) > MAX_DEPTH:
            raise wrong_param(steps[0], f"Invalid parameter: {steps[0]} is nested too deep.")
        place = tree
        for step in steps[:-1]:
            place = place.setdefault(_key(place, step), {})
            if not isinstance(place, dict):
                raise wrong_param(steps[0], f"Invalid parameter: {steps[0]} is used as two kinds.")
        place[_key(place, steps[-1])] = value
    return {name: _lists(value) for name, value in tree.items()}


def _key(place: dict[str, Any], step: str) -> str:
    return str(len(place)) if step == "" else step


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isascii() and key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(one) for key, one in value.items()}
