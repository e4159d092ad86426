"""Drafthart as a model of RISCOF: what `drafthart riscof` writes, the plugin, and a real run."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drafthart.cli import main
from drafthart.generator.assembly import assemble, write_elf
from drafthart.runtime.resolved import resolved

ITSELF = "import sys; from drafthart.cli import main; sys.exit(main())"
RISCOF = os.environ.get("DRAFTHART_RISCOF") or shutil.which("riscof")
COMPILER = "riscv64-unknown-elf-gcc"


class Template(ABC):
    """RISCOF's template, as far as its documentation tells."""

    __model__ = "Template"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._role = kwargs.get("name", "?")

    @property
    def name(self) -> str:
        return f"{self._role}-{self.__model__}:"

    @abstractmethod
    def initialise(self, suite: str, workdir: str, env: str) -> None: ...

    @abstractmethod
    def build(self, isa_yaml: str, platform_yaml: str) -> None: ...

    @abstractmethod
    def runTests(self, testlist: Any) -> None: ...


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The plugin as `drafthart riscof` writes it, beside a RISCOF that is none."""
    riscof = ModuleType("riscof")
    template = ModuleType("riscof.pluginTemplate")
    template.pluginTemplate = Template  # type: ignore[attr-defined]
    utils = ModuleType("riscof.utils")
    utils.load_yaml = lambda path: {"hart0": {"supported_xlen": [int(Path(path).stem)]}}  # type: ignore[attr-defined]
    utils.absolute_path = os.path.join  # type: ignore[attr-defined]
    riscof.utils = utils  # type: ignore[attr-defined]
    for module in (riscof, template, utils):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    assert main(["riscof", "models", "--revision", "priv@1.12"]) == 0
    path = tmp_path / "models/riscof_drafthart/riscof_drafthart.py"
    spec = importlib.util.spec_from_file_location("riscof_drafthart", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def config(folder: Path, section: str = "drafthart") -> dict[str, str]:
    parsed = configparser.ConfigParser()
    parsed.read(folder / "config.ini")
    return dict(parsed[section])


def model(plugin: ModuleType, tmp_path: Path, **more: str) -> Any:
    compiler = tmp_path / "compiler"
    compiler.write_text(
        '#!/bin/sh\necho "$@" > arguments\ncase "$*" in *bad.S*) echo it is bad; exit 1;; esac\n'
        'while [ "$1" != -o ]; do shift; done\ncp "$3.elf" "$2"\n'
    )
    compiler.chmod(0o755)
    command = f"{sys.executable} -P -c '{ITSELF}'"
    settings = {
        **config(tmp_path / "models"),
        "command": command,
        "compiler": str(compiler),
        "engine": "python",
        **more,
    }
    return plugin.drafthart(name="Reference", config=settings, config_dir=str(tmp_path / "models"))


PROGRAM = """\
_start: la t0, begin_signature
    li t1, WORD
    sw t1, 0(t0)
    la t0, tohost
    li t1, STATUS
    sd t1, 0(t0)
1:  j 1b
    .data
    .align 6
    .globl tohost, begin_signature, end_signature
tohost: .dword 0
begin_signature: .word 0
end_signature: .word 0
"""


def write_test(folder: Path, name: str, status: int = 1) -> dict[str, Any]:
    source = folder / name
    source.write_text("")
    text = PROGRAM.replace("WORD", "0x1234").replace("STATUS", str(status))
    elf = write_elf(assemble(text, resolved("priv@1.12"), name=name, base=0x8000_0000))
    source.with_name(f"{name}.elf").write_bytes(elf)
    work = folder / f"{name}.work"
    work.mkdir()
    macros = ["TEST_CASE_1=True", "XLEN=64"]
    return {"test_path": str(source), "work_dir": str(work), "isa": "RV64I_Zicsr", "macros": macros}


def test_a_reference_leaves_the_signature_of_each_test(plugin: ModuleType, tmp_path: Path) -> None:
    it = model(plugin, tmp_path, jobs="2")
    it.initialise("suite", str(tmp_path), str(tmp_path / "env"))
    it.build("64.yaml", "platform.yaml")
    tests = {name: write_test(tmp_path, name) for name in ("one.S", "two.S")}
    it.runTests(tests)
    for name, test in tests.items():
        left = Path(test["work_dir"], "Reference-Drafthart.signature")
        assert left.read_text() == "00001234\n", name
    arguments = (tmp_path / "arguments").read_text()
    for part in ("-march=rv64i_zicsr", "-DTEST_CASE_1=True", "link.ld", f"-I{tmp_path / 'env'}"):
        assert part in arguments


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [("bad.S", 1, "it is bad"), ("status.S", 5 << 1 | 1, "status 5"), ("hang.S", 0, "limit")],
)
def test_a_test_that_does_not_end_well_leaves_an_empty_signature(
    plugin: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    status: int,
    told: str,
) -> None:
    it = model(plugin, tmp_path, limit="1000")
    it.initialise("suite", str(tmp_path), str(tmp_path))
    bad, good = write_test(tmp_path, name, status), write_test(tmp_path, "good.S")
    it.runTests({"bad": bad, "good": good})
    assert Path(bad["work_dir"], "Reference-Drafthart.signature").read_text() == ""
    assert Path(good["work_dir"], "Reference-Drafthart.signature").read_text() == "00001234\n"
    log = Path(bad["work_dir"], "drafthart.log").read_text()
    assert told in log + "".join(record.getMessage() for record in caplog.records)
    assert name in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"revision": ""}, "has no revision"),
        ({"command": "no-such-drafthart"}, "no-such-drafthart is not installed"),
        ({"compiler": "no-such-gcc"}, "no-such-gcc is not installed"),
    ],
)
def test_what_is_missing_is_told(
    plugin: ModuleType,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, str],
    told: str,
) -> None:
    with pytest.raises(SystemExit):
        model(plugin, tmp_path, **settings).initialise("suite", "work", "env")
    assert told in caplog.text


def test_a_model_of_32_bits_is_refused(
    plugin: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        model(plugin, tmp_path).build("32.yaml", "platform.yaml")
    assert "RV64" in caplog.text


def test_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["riscof", "models", "--revision", "h@1.0", "--dut", "spike"]) == 0
    assert config(tmp_path / "models", "RISCOF") == {
        "referenceplugin": "drafthart",
        "referencepluginpath": "riscof_drafthart",
        "dutplugin": "spike",
        "dutpluginpath": "riscof_spike",
    }
    assert config(tmp_path / "models")["revision"] == "h@1.0"
    assert config(tmp_path / "models", "spike")["ispec"] == "riscof_spike/spike_isa.yaml"
    assert (tmp_path / "models/riscof_drafthart/env/link.ld").is_file()


def test_a_draft_needs_an_opt_in_here_and_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["riscof", "models", "--revision", "h@1.0~1"]) == 2
    assert "--allow-unstable" in capsys.readouterr().err
    allowed = ["--allow-unstable", "h@1.0~1"]
    assert main(["riscof", "models", "--revision", "h@1.0~1", *allowed]) == 0
    assert config(tmp_path / "models")["allow-unstable"] == "h@1.0~1"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["models", "--revision", "h@9"], "h@9"),
        (["models", "--revision", "h@1.0", "--dut", "my dut"], "no name of a plugin"),
        (["full", "--revision", "h@1.0"], "exists already"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("")
    assert main(["riscof", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1
    assert not (tmp_path / "models").exists()


TEST = """\
#include "model_test.h"
#include "arch_test.h"
RVTEST_ISA("RV64I_Zicsr")
        .section .text.init
        .globl  rvtest_entry_point
rvtest_entry_point:
        RVMODEL_BOOT
RVTEST_CASE(0,"//check ISA:=regex(.*64.*);check ISA:=regex(.*I.*);def TEST_CASE_1=True;",trap)
#ifdef TEST_CASE_1
        la      t0, begin_signature
        la      t1, handler
        csrw    mtvec, t1
        .word   0
handler:
        csrr    t2, mcause
        sw      t2, 0(t0)
        csrr    t2, mtval
        sw      t2, 4(t0)
        li      t1, WORD
        sw      t1, 8(t0)
#endif
        RVMODEL_HALT
        .data
RVMODEL_DATA_BEGIN
        .fill   4, 4, 0xdeadbeef
RVMODEL_DATA_END
"""
ARCH_TEST = "#define RVTEST_ISA(isa)\n#define RVTEST_CASE(id, condition, labels)\n"
SPIKE = """\
import subprocess
from pathlib import Path

from riscof.pluginTemplate import pluginTemplate


class spike(pluginTemplate):
    __model__ = "Spike"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.folder = Path(kwargs["config_dir"])
        self.isa_spec = str(self.folder / kwargs["config"]["ispec"])
        self.platform_spec = str(self.folder / kwargs["config"]["pspec"])

    def initialise(self, suite, workdir, env):
        self.include = env

    def build(self, isa_yaml, platform_yaml):
        pass

    def runTests(self, testlist):
        env = self.folder / "riscof_drafthart" / "env"
        for test in testlist.values():
            elf = Path(test["work_dir"], "spike.elf")
            signature = elf.with_name(self.name[:-1] + ".signature")
            macros = ["-D" + macro for macro in test["macros"]]
            options = ["-march=rv64i_zicsr", "-mabi=lp64", "-nostdlib", "-nostartfiles", "-static"]
            paths = ["-T", env / "link.ld", f"-I{env}", f"-I{self.include}"]
            subprocess.run(
                ["riscv64-unknown-elf-gcc", *options, "-mcmodel=medany", *paths, *macros,
                 test["test_path"], "-o", elf], check=True)
            isa = "--isa=rv64imafdc_zicsr_zifencei"
            told = [f"+signature={signature}", "+signature-granularity=4"]
            subprocess.run(["spike", isa, *told, elf], check=True, timeout=60)
"""


@pytest.mark.skipif(not RISCOF, reason="riscof is not installed (DRAFTHART_RISCOF names it)")
@pytest.mark.skipif(not shutil.which(COMPILER), reason=f"{COMPILER} is not installed")
@pytest.mark.parametrize("dut", ["drafthart", "spike"])
def test_riscof_takes_it(dut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if dut == "spike" and not shutil.which("spike"):
        pytest.skip("spike is not installed")
    monkeypatch.chdir(tmp_path)
    assert main(["riscof", "models", "--revision", "priv@1.12", "--dut", dut]) == 0
    shim = tmp_path / "drafthart"
    shim.write_text(f"#!/bin/sh\nexec '{sys.executable}' -P -c '{ITSELF}' \"$@\"\n")
    shim.chmod(0o755)
    written = tmp_path / "models/config.ini"
    lines = [
        f"command={shim}\nengine=python" if line.startswith("command=") else line
        for line in written.read_text().splitlines()
    ]
    written.write_text("\n".join(lines) + "\n")
    if dut == "spike":
        own = tmp_path / "models/riscof_spike"
        own.mkdir()
        (own / "riscof_spike.py").write_text(SPIKE)
        for kind in ("isa", "platform"):
            shutil.copy(
                tmp_path / f"models/riscof_drafthart/drafthart_{kind}.yaml",
                own / f"spike_{kind}.yaml",
            )
    (tmp_path / "env").mkdir()
    (tmp_path / "env/arch_test.h").write_text(ARCH_TEST)
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite/illegal.S").write_text(TEST.replace("WORD", "0x1234"))
    options = ["--config", "models/config.ini", "--suite", "suite", "--env", "env"]
    ended = subprocess.run(
        [str(RISCOF), "run", *options, "--no-browser", "--work-dir", "work"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Passed" in ended.stdout + ended.stderr
    (signature,) = (tmp_path / "work").rglob("Reference-Drafthart.signature")
    # An illegal instruction, of which mtval has the bits; then the word.
    assert signature.read_text().splitlines()[:3] == ["00000002", "00000000", "00001234"]
