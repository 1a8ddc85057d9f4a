"""The front door: one line for a machine that lacks something, and no second installation."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import demo
from tests.deploy import machine


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """demo.py believing that it lives in an empty checkout with requirements of its own."""
    (tmp_path / "requirements").mkdir()
    for name in ("runtime", "dev", "installer"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"# {name}\n")
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(demo, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(demo, "STAMP", tmp_path / ".venv" / "installed.json")
    monkeypatch.setattr(demo, "REQUIREMENTS", tmp_path / "requirements")
    return tmp_path


@pytest.fixture
def installs(checkout, monkeypatch):
    """What would have been installed, in order; nothing is fetched."""
    made = []
    monkeypatch.setattr(demo, "make_venv", lambda: demo.VENV.mkdir(exist_ok=True))
    monkeypatch.setattr(demo, "with_uv", lambda kind: not made.append(kind))
    monkeypatch.setattr(demo, "works", lambda: bool(made))
    return made


def test_installs_once_and_again_only_when_the_pins_change(checkout, installs):
    demo.install("runtime")
    demo.install("runtime")
    assert installs == ["runtime"]
    (checkout / "requirements" / "runtime.txt").write_text("# other pins\n")
    demo.install("runtime")
    assert installs == ["runtime", "runtime"]


def test_what_the_tests_need_covers_what_the_demo_needs(installs):
    demo.install("dev")
    demo.install("runtime")
    assert installs == ["dev"]


def test_a_killed_installation_is_done_again(installs, monkeypatch):
    demo.install("runtime")

    def killed(kind):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "with_uv", killed)
    with pytest.raises(KeyboardInterrupt):
        demo.install("dev")
    assert not demo.STAMP.exists()


def test_a_venv_that_was_moved_here_is_not_trusted(checkout, installs):
    demo.install("runtime")
    stamp = json.loads(demo.STAMP.read_text())
    pins = (checkout / "requirements" / "runtime.txt").read_bytes()
    assert stamp["runtime"] != demo.hashlib.sha256(b"/elsewhere" + pins).hexdigest()
    assert stamp["runtime"] == demo.pins_of("runtime")


def test_a_torn_stamp_means_install(checkout, installs):
    demo.install("runtime")
    demo.STAMP.write_text('{"runtime": "')
    demo.install("runtime")
    assert installs == ["runtime", "runtime"]


def test_falls_back_to_pip_when_uv_cannot(checkout, installs, monkeypatch):
    asked = []
    monkeypatch.setattr(demo, "with_uv", lambda kind: False)
    monkeypatch.setattr(demo, "with_pip", lambda pins: asked.append(pins.name))
    demo.install("runtime")
    assert asked == ["runtime.txt"]


def test_a_python_without_ensurepip_gets_one_line_that_names_the_package(checkout, monkeypatch):
    find = demo.importlib.util.find_spec
    monkeypatch.setattr(
        demo.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name)
    )
    with pytest.raises(demo.Impossible) as refused:
        demo.make_venv()
    assert "python3-venv" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_older_python_gets_one_line():
    text = (machine.ROOT / "demo.py").read_text()
    older = text.replace("sys.version_info < (3, 11)", "True", 1)
    assert older != text
    done = subprocess.run([sys.executable, "-c", older], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Suanquan needs Python 3.11 or newer")
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_command_shows_the_known_ones(capsys):
    assert demo.main(["dmeo"]) == 2
    assert "test-fast" in capsys.readouterr().err


def test_every_word_of_the_makefile_is_a_command_of_the_front_door():
    makefile = (machine.ROOT / "Makefile").read_text()
    words = [
        line.split("demo.py ")[1].split()[0] for line in makefile.splitlines() if "\t@" in line
    ]
    assert len(words) >= 9
    assert all(f"    {word}" in demo.__doc__ or f" {word} " in demo.__doc__ for word in words)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_passes_its_words_on():
    def shown(*words):
        outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "BENCH", "ARGS", "PYTHON")
        return subprocess.run(
            ["make", "--dry-run", "--no-print-directory", *words],
            cwd=machine.ROOT,
            env={k: v for k, v in os.environ.items() if k not in outer},
            capture_output=True,
            text=True,
        ).stdout

    assert shown("demo-reset") == "python3 demo.py reset\n"
    assert shown("bench", "BENCH=redeem").strip() == "python3 demo.py bench redeem"
    assert shown("demo", "PYTHON=python3.12") == "python3.12 demo.py demo\n"


def test_once_is_heard_from_flag_and_from_environment(monkeypatch):
    handed = []
    monkeypatch.setattr(demo, "install", lambda kind: None)
    monkeypatch.setattr(demo, "hand_over", lambda *words: handed.append(words[2:]))
    monkeypatch.delenv("ONCE", raising=False)
    monkeypatch.setattr(os, "chdir", lambda path: None)
    demo.main([])
    demo.main(["--once"])
    monkeypatch.setenv("ONCE", "1")
    demo.main(["demo"])
    monkeypatch.setenv("ONCE", "")
    demo.main(["demo"])
    assert handed == [(), ("--once",), ("--once",), ()]


def test_pins_carry_hashes_and_no_address():
    for path in sorted((machine.ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text, path
        assert "--index" not in text, path
        assert "--find-links" not in text, path
        pinned = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
        assert all(line.endswith("\\") for line in pinned), path


def test_the_pins_of_runtime_and_dev_agree():
    def pins(name: str) -> dict[str, str]:
        lines = (machine.ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
        found = [line.split(" ")[0] for line in lines if "==" in line and line[0].isalnum()]
        return dict(line.split("==", 1) for line in found)

    dev = pins("dev")
    assert {name: dev.get(name) for name in pins("runtime")} == pins("runtime")
    assert pins("installer")["uv"] == dev["uv"]


def test_every_setting_is_described_in_the_example():
    import re

    settings = (machine.ROOT / "marketplace" / "settings.py").read_text()
    named = set(re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', settings))
    example = (machine.ROOT / "deploy" / "env.example").read_text()
    assert len(named) > 15
    assert {name for name in named if not re.search(rf"^#?{name}=", example, re.M)} == set()


def test_the_compose_file_names_no_registry_and_every_queue():
    import yaml

    from deploy.local.plan import QUEUES

    folder: Path = machine.ROOT / "deploy"
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    images = {service["image"] for service in services.values()}
    assert images == {"suanquan", "postgres:18", "rabbitmq:4"}
    assert QUEUES in services["worker"]["command"]
    settings = (machine.ROOT / "marketplace" / "settings.py").read_text()
    assert all(f'"{queue}"' in settings for queue in QUEUES.split(","))
