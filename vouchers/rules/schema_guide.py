"""Write docs/guides/policy-schema.md from the shipped schema and the catalogue of facts."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from vouchers.rules.facts import CATALOGUE
from vouchers.rules.validate_terms import terms_schema

HEAD = """# Policy terms, field by field

Generated from `vouchers/rules/terms.schema.json` and `vouchers/rules/facts.py` by
`python -m vouchers.rules.schema_guide > docs/guides/policy-schema.md`; do not edit by hand.

A policy version is a document. Money is integer fen, rates are text (`"0.2"`, `"1/3"`), days are
civil days in Asia/Shanghai. **null** means the source does not say: the policy is incomplete there.
**An absent key** means there is no such clause. Results are rounded down, never up.

Order of calculation: what counts of the basis → share of the period → rate or tiers → ceiling of
the line → combination of lines → ceilings → total-aid ceiling → smallest award.

    manage.py evaluate_rule PRESET --schema              # what a preset needs
    manage.py evaluate_rule PRESET --facts FACTS.json    # one JSON object
    manage.py policy_coverage                            # what is known, issuer by issuer

"""


def _type(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.replace('_', '-')})"
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join("null" if one is None else f"`{one}`" for one in node["enum"])
    if "oneOf" in node:
        return " or ".join(_type(one, definitions) for one in node["oneOf"])
    kinds = node.get("type", "any")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "items" in node:
        text += f" of {_type(node['items'], definitions)}"
    return text


def _rows(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    needed = node.get("required", ())
    yield "| field | required | value | meaning |"
    yield "|---|---|---|---|"
    for name, part in node["properties"].items():
        meaning = part.get("description", "")
        mark = "yes" if name in needed else ""
        yield f"| `{name}` | {mark} | {_type(part, definitions)} | {meaning} |"
    yield ""


def guide() -> str:
    """The whole page as Markdown."""
    schema = terms_schema()
    definitions = schema["$defs"]
    out = [HEAD + "## terms", ""]
    out += _rows(schema, definitions)
    for name, part in schema["properties"].items():
        if "properties" in part:
            out += [f"### {name}", "", part.get("description", ""), ""]
            out += _rows(part, definitions)
            for inner, node in part["properties"].items():
                if "properties" in node:
                    out += [f"#### {name}.{inner}", ""]
                    out += _rows(node, definitions)
    out += ["## Shared parts", ""]
    for name, part in definitions.items():
        out += [f"### {name.replace('_', '-')}", ""]
        if "properties" in part:
            out += _rows(part, definitions)
            for inner, node in part["properties"].items():
                if "properties" in node:
                    out += [f"#### {name}.{inner}", ""]
                    out += _rows(node, definitions)
        else:
            pattern = part.get("pattern", "").replace("|", "\\|")
            out += [_type(part, definitions) + (f", pattern `{pattern}`" if pattern else ""), ""]
    out += ["## Facts", "", "One flat JSON object. Unknown names and wrong units are refused.", ""]
    out += ["| fact | unit | type | meaning | 含义 |", "|---|---|---|---|---|"]
    for fact in CATALOGUE.values():
        kind = " / ".join(f"`{one}`" for one in fact.choices) or fact.type
        out.append(f"| `{fact.name}` | {fact.unit} | {kind} | {fact.text_en} | {fact.text_zh} |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    sys.stdout.write(guide())
