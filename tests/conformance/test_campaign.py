"""Campaigns: results that outlive whatever is killed, and the same report however they came."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from dying_target import DyingTarget

from drafthart.campaign_report import as_data
from drafthart.cli import main
from drafthart.conformance.campaign.campaign import Count, count, prepare
from drafthart.conformance.campaign.campaign import run as run_jobs
from drafthart.conformance.campaign.job import Job, Lost, Result, make_jobs, run_job
from drafthart.conformance.campaign.local import run_locally
from drafthart.conformance.campaign.outcome import outcomes
from drafthart.conformance.campaign.plan import Plan, all_jobs, plan_from, read_plan
from drafthart.conformance.campaign.store import open_store
from drafthart.conformance.campaign.waiting import Waiting
from drafthart.conformance.expected import program_of
from drafthart.conformance.groups import groups
from drafthart.conformance.target import Single
from drafthart.conformance.target_file import load_target
from drafthart.conformance.validate import validate
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.texts import SPECS
from drafthart.runtime.gate import stability
from drafthart.runtime.resolved import resolved
from drafthart.runtime.taint import read_taint
from drafthart.validate_report import as_data as validation_as_data

WFI = "instructions/insn:wfi"
HGATP = "csr-values/csr:hgatp"
TARGET = "drafthart:h@1.0:VMIDLEN=7"
CAMPAIGN = f"""
name: Small
targets: ["{TARGET}"]
revisions: [h@1.0]
only: [{WFI}, {HGATP}]
probes_per_job: 12
"""


def written(folder: Path, text: str = CAMPAIGN) -> Path:
    path = folder / "small.yaml"
    path.write_text(text)
    return path


def in_turn(jobs: Sequence[Job]) -> Iterator[Result | Lost]:
    """The plainest scheduler."""
    return map(run_job, jobs)


def run_all(plan: Plan, store: Path, *, most: int | None = None, backwards: bool = False) -> int:
    """Run the jobs that are left, or the first so many of them; their number."""
    with open_store(store, to_write=True, new=True) as opened:
        left = prepare(plan, opened)
        some = (left[::-1] if backwards else left)[:most]
        run_jobs(some, opened, in_turn, lambda: None)
        return len(some)


def report(store: Path) -> str:
    with open_store(store, to_write=False) as opened:
        found = list(outcomes(opened, lambda steps, _: steps))
    return json.dumps(as_data("it", found))


def counted(store: Path) -> Count:
    with open_store(store, to_write=False) as opened:
        (found,) = count(opened).values()
    return found


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return read_plan(written(tmp_path_factory.mktemp("plan")))


@pytest.fixture(scope="module")
def complete(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the campaign in one piece."""
    store = tmp_path_factory.mktemp("whole") / "it.db"
    assert run_all(plan, store) == len(all_jobs(plan)) > 8
    return store


@pytest.fixture(scope="module")
def whole(complete: Path) -> str:
    """Its report."""
    return report(complete)


@pytest.fixture
def store(complete: Path, tmp_path: Path) -> Path:
    """The same store, to be changed."""
    return Path(shutil.copy(complete, tmp_path / "it.db"))


def execute(store: Path, command: str) -> None:
    database = sqlite3.connect(store)
    with database:
        database.execute(command)
    database.close()


def test_a_campaign_finds_what_validate_finds(whole: str) -> None:
    (result,) = json.loads(whole)["results"]
    outcome = validate(*load_target(TARGET), "h@1.0", only=[WFI, HGATP])
    told = validation_as_data(outcome, stability(resolved("h@1.0")))
    assert result["report"] == json.loads(json.dumps(told))
    assert outcome.inferred == {"VMIDLEN": 7}
    assert result["report"]["probes"] > 100


def test_neither_order_nor_interruption_changes_the_report(
    plan: Plan, whole: str, tmp_path: Path
) -> None:
    store = tmp_path / "it.db"
    assert run_all(plan, store, most=5, backwards=True) == 5
    part = json.loads(report(store))
    assert not part["complete"]
    jobs = counted(store).jobs
    assert part["results"][0]["left"] == jobs - 5 == counted(store).left
    assert 0 < part["results"][0]["report"]["probes"] <= 5 * 12
    assert run_all(plan, store) == jobs - 5
    assert report(store) == whole


def test_what_changes_runs_again_and_nothing_else(tmp_path: Path) -> None:
    store = tmp_path / "it.db"
    mine = tmp_path / "mine.yaml"
    mine.write_text("name: Mine\ndrafthart: h@1.0\n")
    text = (
        f"name: It\ntargets: [mine.yaml, 'drafthart:h@1.0']\nrevisions: [h@1.0]\nonly: [{WFI}]\n"
        "probes_per_job: 20\n"
    )
    jobs = run_all(read_plan(written(tmp_path, text)), store)
    assert run_all(read_plan(written(tmp_path, text)), store) == 0
    mine.write_text("name: Mine\ndrafthart: h@1.0\nparameters: {GEILEN: 0}\n")
    assert run_all(read_plan(written(tmp_path, text)), store) == jobs // 2
    more = text.replace(WFI, f"{WFI}, {HGATP}")
    plan = read_plan(written(tmp_path, more))
    run_now = run_all(plan, store)
    with open_store(store, to_write=False) as opened:
        assert run_now == sum(row.group == "csr-values" for row in opened.rows()) > 0
    # What a store was told of a target's file counts when it is resumed.
    mine.unlink()
    with open_store(store, to_write=False) as opened:
        assert plan_from(opened.kept()) == plan


def test_random_probes_are_jobs_too(tmp_path: Path) -> None:
    store = tmp_path / "it.db"
    text = (
        "name: It\ntargets: ['drafthart:h@1.0']\nrevisions: [h@1.0]\nfixed: false\n"
        "random: {seeds: [3, 4], probes: 40}\nprobes_per_job: 30\n"
    )
    assert run_all(read_plan(written(tmp_path, text)), store) == 4
    (result,) = json.loads(report(store))["results"]
    assert {*result["report"]["groups"]} == {"random-3-0", "random-4-0"}
    assert result["report"]["probes"] == 80
    assert result["report"]["conforms"]


def dying(folder: Path, deaths: int) -> list[Job]:
    """Three jobs, the second of which ends the process that it is in."""
    (folder / "deaths").mkdir()
    isa = resolved("h@1.0")
    (group,) = groups(isa, [WFI])
    parts = [
        replace(group, probes=group.probes[first:last])
        for first, last in ((0, 9), (9, 19), (19, 27))
    ]
    sizes = [len(program_of(part, isa, DyingTarget(folder, 0, 0).platform)) for part in parts]
    assert len(set(sizes)) == 3
    target = DyingTarget(folder / "deaths", sizes[1], deaths)
    return [*make_jobs(isa, "h@1.0", {}, target, parts, "python")]


def test_a_worker_that_dies_costs_only_its_job(tmp_path: Path) -> None:
    jobs = dying(tmp_path, deaths=99)
    found = {it.id: it for it in run_locally(jobs, workers=2, retries=1)}
    lost = found.pop(jobs[1].id)
    assert isinstance(lost, Lost)
    assert lost.why == "the process was ended by signal 9, 2 times"
    assert {*found} == {jobs[0].id, jobs[2].id}
    for result in found.values():
        assert isinstance(result, Result)
        assert result.here == result.there


def test_a_job_whose_worker_died_is_tried_again(tmp_path: Path) -> None:
    jobs = dying(tmp_path, deaths=1)
    found = {it.id: it for it in run_locally(jobs, workers=1, retries=2)}
    assert {*found} == {it.id for it in jobs}
    assert all(isinstance(it, Result) and None not in it.there for it in found.values())


def test_a_lost_job_is_inconclusive_and_can_be_tried_again(
    plan: Plan, whole: str, store: Path
) -> None:
    with open_store(store, to_write=True) as opened:
        id_ = opened.rows()[1].id
        opened.add(Lost(id_, "it fell over"))
        assert prepare(plan, opened) == []
        (job,) = prepare(plan, opened, retry_lost=True)
    assert job.id == id_
    (result,) = json.loads(report(store))["results"]
    (lost,) = result["lost"]
    assert (lost["why"], lost["probes"]) == ("it fell over", 12)
    labels = [probe.label for probe in job.group.probes]
    (finding,) = [it for it in result["report"]["findings"] if it["verdict"] == "inconclusive"]
    assert finding["probes"] == labels
    with open_store(store, to_write=True) as opened:
        run_jobs([job], opened, in_turn, lambda: None)
    assert report(store) == whole


class OnlyOne(DyingTarget, Single):
    """A board."""


def test_a_target_that_there_is_only_one_of_runs_one_job_at_a_time(tmp_path: Path) -> None:
    jobs = dying(tmp_path, deaths=0)
    board = OnlyOne(tmp_path, 0, 0, "board")
    waiting = Waiting([*(replace(it, target=board) for it in jobs[:2]), jobs[2]], retries=0)
    first = waiting.take()
    assert first is not None
    assert first.target.name == "board"
    assert waiting.take() == jobs[2]
    assert waiting.take() is None
    waiting.done(first)
    second = waiting.take()
    assert second is not None
    assert (second.target.name, bool(waiting)) == ("board", False)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("UPDATE campaign SET name = 'Other'", r"holds the campaign 'Other', and this is 'Small'"),
        ("PRAGMA user_version = 7", "is a store of version 7, and this Drafthart has version 1"),
        ("PRAGMA application_id = 7", "is no campaign's store"),
    ],
)
def test_another_store_is_told(plan: Plan, store: Path, mistake: str, told: str) -> None:
    execute(store, mistake)
    with pytest.raises(DrafthartError, match=told):
        run_all(plan, store)


def test_what_is_no_store_is_told(plan: Plan, tmp_path: Path) -> None:
    store = tmp_path / "it.db"
    with pytest.raises(DrafthartError, match="there is no such store"):
        report(store)
    assert not store.exists()
    store.write_text("name: Small\n" * 100)
    with pytest.raises(DrafthartError, match="not a database; name a campaign's store"):
        run_all(plan, store)
    assert store.read_text().startswith("name: Small")
    assert not store.with_name("it.db.lock").exists()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE results SET here = x'00'",
        f"UPDATE results SET here = x'{zlib.compress(b'[[1]]').hex()}'",
        f"UPDATE results SET here = x'{zlib.compress(str([[1]] * 12).encode()).hex()}'",
        "UPDATE campaign SET plan = '{}'",
        "UPDATE campaign SET plan = '{'",
    ],
)
def test_a_damaged_store_is_told(store: Path, damage: str) -> None:
    execute(store, damage)
    with pytest.raises(DrafthartError):
        report(store)


def test_a_store_has_one_writer(store: Path) -> None:
    with (
        open_store(store, to_write=True),
        pytest.raises(DrafthartError, match="another process runs this campaign"),
        open_store(store, to_write=True),
    ):
        pass
    with open_store(store, to_write=True) as opened:
        assert opened.finished()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: It\ntargets: []\nrevisions: [h@1.0]\n", "small.yaml:2:10"),
        ("name: It\ntargets: [spike]\n", "revisions"),
        ("name: It\ntargets: [spike, spike]\nrevisions: [h@1.0]\n", "spike comes twice"),
        ("name: It\ntargets: [spike]\nrevisions: [h@1.0]\nfixed: false\n", "leaves no probes"),
        ("name: It\ntargets: [absent.yaml]\nrevisions: [h@1.0]\n", "absent.yaml"),
        ("name: It\ntargets: [nobody]\nrevisions: [h@1.0]\n", "no target of this name"),
        ("name: It\ntargets: [spike]\nrevisions: [h@9]\n", "h@9"),
        ("- it\n", "is no map"),
    ],
)
def test_a_mistake_in_a_campaign_is_one_line(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "it.db"
    assert main(["campaign", "run", str(written(tmp_path, text)), "--store", str(store)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


def campaign(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """The command, as a process in a group of its own."""
    code = "import sys; from drafthart.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "campaign", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(store: Path) -> dict[str, float]:
    """Job id → seconds, for what a store has by now."""
    try:
        with open_store(store, to_write=False) as opened:
            return opened.finished()
    except DrafthartError:
        return {}


def wait_for(store: Path, results: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 300
    while len(finished(store)) < results:
        assert time.monotonic() < end
        if process.poll() is not None:
            pytest.fail(f"it ended too soon: {process.communicate()}")
        time.sleep(0.05)


def one_each(plan: Plan, folder: Path) -> tuple[Path, int]:
    """The campaign in its smallest parts, as a file, and the number of its jobs."""
    path = written(folder, CAMPAIGN.replace("probes_per_job: 12", "probes_per_job: 3"))
    return path, len(all_jobs(replace(plan, probes_per_job=3)))


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_is_resumed_without_loss(
    plan: Plan, whole: str, tmp_path: Path, signal_: signal.Signals
) -> None:
    file, jobs = one_each(plan, tmp_path)
    store = tmp_path / "it.db"
    process = campaign("run", file, "--store", store, "--jobs", "2")
    wait_for(store, 3, process)
    process.send_signal(signal_)
    _, err = process.communicate(timeout=60)
    before = finished(store)
    assert 3 <= len(before) < jobs
    if signal_ is signal.SIGINT:
        assert process.returncode == 130
        assert f"stopped; {len(before)} of {jobs} jobs are finished and kept" in err
        assert f"drafthart campaign resume {store}" in err
    again = campaign("resume", store, "--jobs", "1")
    out, err = again.communicate(timeout=300)
    assert (again.returncode, err) == (0, "")
    assert f"{jobs} jobs, {jobs - len(before)} of them run now, none given up" in out
    assert before.items() <= finished(store).items()
    assert report(store) == whole


DASK = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is not installed"
)


def dask(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *arguments, "--no-dashboard"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its workers, which nobody starts again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    scheduler = dask("dask_scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2])
    started = [worker(address) for _ in range(workers)]
    try:
        yield address, started
    finally:
        for process in (*started, scheduler):
            process.kill()
            process.wait()


def worker(address: str) -> subprocess.Popen[bytes]:
    return dask("dask_worker", address, "--no-nanny", "--nthreads", "1")


@DASK
def test_a_cluster_whose_workers_are_killed_finds_the_same(
    plan: Plan, whole: str, tmp_path: Path
) -> None:
    file, jobs = one_each(plan, tmp_path)
    store = tmp_path / "it.db"
    with cluster(2) as (address, workers):
        process = campaign("run", file, "--store", store, "--scheduler", address)
        wait_for(store, 2, process)
        workers[0].kill()
        wait_for(store, 6, process)
        workers[1].kill()
        workers[1].wait()
        assert len(finished(store)) < jobs
        workers.append(worker(address))
        wait_for(store, 8, process)
        # The one that keeps the results is killed as well.
        process.kill()
        process.communicate(timeout=60)
        before = finished(store)
        assert 8 <= len(before) < jobs
        again = campaign("resume", store, "--scheduler", address)
        out, err = again.communicate(timeout=300)
        assert (again.returncode, err) == (0, "")
        assert f"{jobs - len(before)} of them run now, none given up" in out
    assert before.items() <= finished(store).items()
    assert report(store) == whole


@DASK
def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path) -> None:
    store = tmp_path / "it.db"
    for address, told in (
        ("nonsense", "--scheduler nonsense: is no address; start `dask scheduler`"),
        ("tcp://127.0.0.1:9", "nothing answers there in 10 s"),
    ):
        process = campaign("run", written(tmp_path), "--store", store, "--scheduler", address)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err.count("\n")) == (2, "", 1)
        assert told in err


def test_without_dask_its_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    store = str(tmp_path / "it.db")
    arguments = ["campaign", "run", str(written(tmp_path)), "--store", store]
    assert main([*arguments, "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "pip install 'drafthart[dask]'" in capsys.readouterr().err


@pytest.mark.staged
def test_a_draft_needs_an_opt_in_and_taints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "it.db")
    target = ("--target", "drafthart:h@1.0", "--only", "instructions/insn:wfi", "--jobs", "1")
    arguments = ["campaign", "run", *target, "--revision", "h@1.0~1", "--store", store]
    assert main(arguments) == 2
    assert "--allow-unstable h@1.0~1" in capsys.readouterr().err
    assert main([*arguments, "--allow-unstable", "h@1.0~1"]) == 0
    assert "h@1.0~1 is unstable" in capsys.readouterr().err
    assert main(["campaign", "resume", store]) == 2
    capsys.readouterr()
    assert main(["campaign", "report", store, "--format", "json"]) == 0
    path = tmp_path / "report.json"
    path.write_text(capsys.readouterr().out)
    data = json.loads(path.read_text())
    schema = json.loads((SPECS / "schema/campaign-report.schema.json").read_text())
    jsonschema.validate(data, schema)
    taint = {"revision": "h@1.0~1", "status": "draft", "opt_in": "--allow-unstable h@1.0~1"}
    assert read_taint(path) == taint == data["results"][0]["report"]["stability"]


def test_status_and_report_for_people(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["campaign", "report", str(store), "--format", "summary"]) == 0
    assert " conforms to h@1.0: " in capsys.readouterr().out
    jobs = counted(store).jobs
    execute(store, "DELETE FROM results WHERE rowid > 2")
    assert main(["campaign", "status", str(store)]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[:6] == [TARGET, "h@1.0", str(jobs), "2", "0", str(jobs - 2)]
    assert main(["campaign", "status", str(store), "--format", "json"]) == 0
    (data,) = json.loads(capsys.readouterr().out)["jobs"]
    assert (data["jobs"], data["finished"]) == (jobs, 2)
    assert main(["campaign", "report", str(store)]) == 1
    assert capsys.readouterr().out.endswith(f": {jobs - 2} jobs left\n")
    assert main(["campaign", "report", str(store), "--revision", "h@1.0~1"]) == 2
    assert "has no h@1.0~1" in capsys.readouterr().err
