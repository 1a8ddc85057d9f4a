"""Reads a facts file and checks it against its JSON Schema; a wrong file is refused whole.

Numbers with a decimal point become ``Decimal`` with the digits as written (0.6410 stays 0.6410), so
nothing downstream ever sees a binary float. Dates stay text until a loader turns them into dates.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError


class FactsFileError(ValueError):
    """A facts file is wrong; it is refused whole.

    file     name of the file
    record   which record, e.g. ``areas[17]`` or ``areas[17] (和林格尔新区)``; "" = the file itself
    field    dotted path inside the record; "" = the record itself
    text_en, text_zh   what is wrong
    """

    def __init__(self, file: str, record: str, field: str, text_en: str, text_zh: str) -> None:
        self.file, self.record, self.field = file, record, field
        self.text_en, self.text_zh = text_en, text_zh
        where = " / ".join(part for part in (file, record, field) if part)
        super().__init__(f"{where}: {text_en}")


class _FactsLoader(yaml.SafeLoader):
    """YAML with exact decimals, no guessed dates and no repeated keys."""


def _construct_decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)).replace("_", ""))


def _construct_mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is given twice", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_FactsLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_FactsLoader.add_constructor("tag:yaml.org,2002:float", _construct_decimal)
_FactsLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)

# Chinese wording by JSON Schema keyword; the English wording is the validator's own.
_TEXT_ZH = {
    "required": "缺少必填字段",
    "additionalProperties": "含有未定义的字段",
    "type": "类型不正确",
    "enum": "取值不在允许范围内",
    "const": "取值不符合规定",
    "minimum": "数值小于下限",
    "exclusiveMinimum": "数值须大于下限",
    "maximum": "数值大于上限",
    "pattern": "格式不正确",
    "minItems": "记录数过少",
    "maxItems": "记录数过多",
    "minLength": "内容为空",
    "uniqueItems": "存在重复项",
}
_NAMES = ("name", "name_zh", "area", "model", "id", "title")


def read_facts_file(path: Path, schema_path: Path) -> dict[str, Any]:
    """The content of `path`, valid against the JSON Schema at `schema_path`.

    Raises FactsFileError (file unreadable, not YAML, key given twice, or schema breach; the first
    breach in document order is named with record and field).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FactsFileError(
            path.name, "", "", f"cannot be read: {error}", f"无法读取：{error}"
        ) from error
    try:
        content = yaml.load(text, Loader=_FactsLoader)  # noqa: S506 - a SafeLoader subclass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        record = f"line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise FactsFileError(
            path.name, record, "", f"is not valid YAML: {problem}", f"不是有效的 YAML：{problem}"
        ) from error
    if not isinstance(content, dict):
        raise FactsFileError(
            path.name, "", "", "must be one mapping at the top", "顶层必须是一个映射"
        )
    schema = json.loads(schema_path.read_text(encoding="utf-8"))
    breaches = sorted(
        Draft202012Validator(schema).iter_errors(content), key=lambda e: list(map(str, e.path))
    )
    if breaches:
        raise _as_facts_error(path.name, content, breaches[0])
    return content


def _as_facts_error(
    file: str, content: Mapping[str, Any], breach: ValidationError
) -> FactsFileError:
    steps = list(breach.absolute_path)
    record, rest = "", steps
    node: Any = content
    for index, step in enumerate(steps):
        node = node[step]
        if isinstance(step, int) or index == 1:
            head, rest = steps[: index + 1], steps[index + 1 :]
            record = str(head[0]) + "".join(f"[{part}]" for part in head[1:])
            if isinstance(node, Mapping):
                name = next((node[key] for key in _NAMES if key in node), None)
                record += f" ({name})" if name else ""
            break
    field = ".".join(str(step) for step in rest)
    if breach.validator == "required" and isinstance(breach.instance, Mapping):
        required: list[str] = list(breach.validator_value)  # type: ignore[arg-type]
        missing = [key for key in required if key not in breach.instance]
        field = ".".join(filter(None, [field, missing[0]]))
    text_zh = _TEXT_ZH.get(str(breach.validator), "不符合文件模式")
    return FactsFileError(file, record, field, breach.message, f"{text_zh}（{breach.message}）")
