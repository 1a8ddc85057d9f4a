"""Load the presets: checked by schema, refused whole with file, record and field."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from vouchers.rules.answers import RuleError, TermsError
from vouchers.rules.terms import Missing, Terms

HERE = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is
_LINK = re.compile(r"https?://|www\.|\b[a-z0-9-]+\.(com|cn|org|net)\b", re.IGNORECASE)


class PresetError(RuleError):
    """A preset file that cannot be used: names the file, the record and the field."""

    def __init__(self, file: str, record: str, field: str, text_en: str, text_zh: str) -> None:
        super().__init__(
            "preset_invalid", field, f"{file}, {record}: {text_en}", f"{file}，{record}：{text_zh}"
        )
        self.file, self.record = file, record


@dataclass(frozen=True)
class PrintedNumber:
    """One number as the source prints it. pointer: into `printed`. evidence: how it was read."""

    pointer: str
    value: int | str
    evidence: str


@dataclass(frozen=True)
class Preset:
    """One real programme or rule: source, evidence, printed parameters, readings, terms."""

    document: Mapping[str, Any]
    file: str

    def __getattr__(self, name: str) -> Any:
        """The fields of the file: `name_zh`, `kind`, `source`, `adcode`, `evidence`, `notes` ..."""
        if name == "document" or name.startswith("_") or name not in self.document:
            raise AttributeError(name)
        return self.document[name]

    @property
    def id(self) -> str:
        return str(self.document["preset"])

    @property
    def version_status(self) -> str:
        return str(self.document["version_status"])

    @cached_property
    def terms(self) -> Terms | None:
        """The terms the engine runs; None for targets, constraints, service rules and context."""
        document = self.document["terms"]
        return None if document is None else Terms.load(document)

    @property
    def pays(self) -> bool:
        return self.document["terms"] is not None

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Parameters an officer must supply, with a source, before a programme may be opened."""
        return self.terms.missing if self.terms else ()

    @property
    def state(self) -> str:
        """ "complete", "incomplete", or "no_payout" (loaded and shown, nothing to open)."""
        if not self.pays:
            return "no_payout"
        return "incomplete" if self.missing else "complete"

    @property
    def openable(self) -> bool:
        """Whether a programme may be opened from it as it is: complete, and neither draft nor
        replaced by a later rule."""
        return self.state == "complete" and self.version_status in ("current_known", "unknown")

    @property
    def evidence_of_numbers(self) -> str:
        """The weaker evidence the amounts rest on, where the source list says so."""
        return str(self.document.get("evidence_numbers") or self.document["evidence"])

    @property
    def numbers(self) -> tuple[PrintedNumber, ...]:
        """Every printed number with its evidence."""
        return tuple(
            PrintedNumber(pointer, value, self.evidence_of_numbers)
            for pointer, value in _numbers(self.document["printed"], "")
        )


def _numbers(value: Any, pointer: str) -> Iterator[tuple[str, int | str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, f"{pointer}/{index}")
    elif (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value)
    ):
        yield pointer, value


@cache
def preset_schema() -> dict[str, Any]:
    """The shipped JSON Schema of a preset file."""
    loaded: dict[str, Any] = json.loads((HERE / "preset.schema.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(preset_schema())


def _strings(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, f"{pointer}/{index}")
    else:
        yield pointer, value


def read_preset(path: Path) -> Preset:
    """One checked preset. Raises PresetError with file, record and field."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PresetError(
            path.name, "?", "", f"not YAML: {error}", f"不是有效的 YAML：{error}"
        ) from None
    record = str(document.get("preset", "?")) if isinstance(document, Mapping) else "?"
    for problem in _validator().iter_errors(document):
        field = "".join(f"/{part}" for part in problem.absolute_path)
        raise PresetError(path.name, record, field, problem.message, f"格式不符：{problem.message}")
    for field, value in _strings(document):
        if isinstance(value, float):
            raise PresetError(
                path.name, record, field, "a float; write it as text", "浮点数须写成文本"
            )
        if isinstance(value, str) and _LINK.search(value):
            raise PresetError(
                path.name,
                record,
                field,
                "an address; cite title, issuer and number",
                "含网址；请引用标题、发文机关和文号",
            )
    if f"{record}.yaml" != path.name:
        raise PresetError(
            path.name,
            record,
            "/preset",
            "the file is not named after the preset",
            "文件名与预设标识不符",
        )
    preset = Preset(document, path.name)
    try:
        if preset.terms and preset.terms.id != record:
            raise PresetError(
                path.name,
                record,
                "/terms/programme/id",
                "the terms name another programme",
                "条款标识与预设不符",
            )
    except TermsError as error:
        first = error.problems[0]
        raise PresetError(
            path.name, record, f"/terms{first.pointer}", first.text_en, first.text_zh
        ) from None
    return preset


@cache
def _shipped() -> dict[str, Preset]:
    return _load(HERE)


def _load(folder: Path) -> dict[str, Preset]:
    presets = {}
    for path in sorted(folder.glob("*.yaml")):
        preset = read_preset(path)
        presets[preset.id] = preset
    for preset in presets.values():
        later = preset.document.get("superseded_by")
        if later is not None and later not in presets:
            raise PresetError(
                preset.file, preset.id, "/superseded_by", f"no preset {later}", f"没有预设 {later}"
            )
    return presets


def load_presets(folder: Path | None = None) -> dict[str, Preset]:
    """Preset id → preset, by id; the shipped ones unless another folder is given.

    Raises PresetError: one wrong file refuses the whole folder.
    """
    return dict(_shipped()) if folder is None else _load(folder)
