"""`init`: whose an input is, what is refused and how, what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_assets import registry
from hybrid_assets.cli import init
from hybrid_assets.cli.main import _run
from hybrid_assets.errors import RegistrationError
from hybrid_assets.settings import load_settings
from hybrid_assets.workloads.maxcut import MaxCut

ROOT = Path(__file__).resolve().parents[3]
EDGES = "source,target,weight\n0,1,1\n1,2,2\n2,0,1\n2,3,1\n"
PRICES = "date,one,two,three\n" + "".join(f"2026-01-{d:02d},{100 + d},{50 + d % 3},{70 - d % 2}\n" for d in range(1, 9))
FEATURES = "one,two,three,four,label\n" + "".join(
    f"{k},{k * k % 7},{k**3 % 11},{k**4 % 13},{'ab'[k % 2]}\n" for k in range(20)
)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run `init` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = _run(["init", *words])
        return code, capsys.readouterr()

    return call


def test_inputs_are_recognized_copied_and_make_valid_settings(call):
    Path("graph.csv").write_text(EDGES)
    Path("prices.csv").write_text(PRICES)
    Path("table.csv").write_text(FEATURES)
    code, printed = call("mine", "--inputs", "graph.csv", "prices.csv", "table.csv")
    assert code == 0, printed.err
    assert "1 kernel_classification input, 1 maxcut input, 1 portfolio input" in printed.out
    assert (Path("mine/inputs/maxcut/graph.csv")).read_text() == EDGES
    settings = load_settings("mine/sweep.yaml")
    assert list(settings.workloads) == ["kernel_classification", "maxcut", "portfolio"]
    assert list(settings.backends) == ["aer", "emulator"]
    assert [source for name in settings.workloads for _, source in settings.input_files(name)] == [
        "inputs/kernel_classification/table.csv",
        "inputs/maxcut/graph.csv",
        "inputs/portfolio/prices.csv",
    ]


def test_what_is_written_is_complete_and_dagster_gets_what_the_repository_gives_it(call):
    assert call("mine")[0] == 0
    assert {path.name for path in Path("mine").iterdir()} == {*init.WRITTEN, "inputs"}
    for name in ("dagster.yaml", "workspace.yaml"):
        assert Path("mine", name).read_bytes() == (ROOT / name).read_bytes()
    assert "$" not in Path("mine/sweep.yaml").read_text() + Path("mine/README.md").read_text()


def test_the_next_commands_are_told(call):
    _, printed = call("my nights")
    cd, report = printed.out.splitlines()[-2:]
    assert cd.startswith("  cd 'my nights' && ")
    assert cd.endswith(" run")
    assert report.endswith(" report --open")


def test_a_name_becomes_one_that_an_instance_may_have(call):
    Path("My Graph (2).CSV").write_text(EDGES)
    assert call("mine", "--inputs", "My Graph (2).CSV")[0] == 0
    assert [path.name for path in Path("mine/inputs/maxcut").iterdir()] == ["my-graph-2.csv"]


@pytest.mark.parametrize(
    ("text", "words", "code", "message"),
    [
        pytest.param(
            "source,target,weight\n0,1,1\n1,2,x\n",
            [],
            3,
            "own.csv, row 3, column 'weight': 'x' is not a number",
            id="cell",
        ),
        pytest.param(PRICES.replace("104", "-4"), [], 3, "own.csv, row 5, column 'one': ", id="price"),
        pytest.param("a,b\n1,2\n", [], 3, "own.csv: no workload takes it as it is.", id="header"),
        pytest.param(
            "a,b\n1,2\n", ["--workload", "maxcut"], 3, "own.csv, row 1, column 'a': expected the header", id="named"
        ),
        pytest.param(EDGES, ["--workload", "maxcat"], 3, "Did you mean 'maxcut'?", id="workload"),
        pytest.param(EDGES, ["--inputs", "other.csv"], 3, "other.csv: there is no such file", id="missing"),
    ],
)
def test_a_refusal_names_its_place_and_leaves_nothing(call, text, words, code, message):
    Path("own.csv").write_text(text)
    answer, printed = call("mine", "--inputs", "own.csv", *words)
    assert (answer, printed.out) == (code, "")
    assert message in printed.err
    assert [path.name for path in Path().iterdir()] == ["own.csv"]


def test_a_header_that_nobody_knows_is_answered_by_every_workload(call):
    Path("own.csv").write_text("a,b\n1,2\n")
    _, printed = call("mine", "--inputs", "own.csv")
    assert [line.split(":")[0].strip() for line in printed.err.splitlines()[1:]] == [
        "kernel_classification",
        "maxcut",
        "portfolio",
    ]


def test_an_input_that_several_workloads_take_needs_a_word(call, monkeypatch):
    """Another package may bring a second reader of edge lists."""
    monkeypatch.setattr(registry, "names", lambda _: ("maxcut", "twin"))
    monkeypatch.setattr(registry, "workload", lambda _: MaxCut())
    Path("own.csv").write_text(EDGES)
    code, printed = call("mine", "--inputs", "own.csv")
    assert code == 2
    assert "own.csv would do for maxcut and twin: say whose input it is with --workload." in printed.err
    assert call("mine", "--inputs", "own.csv", "--workload", "twin")[0] == 0
    assert Path("mine/inputs/twin/own.csv").is_file()


def test_a_workload_that_cannot_be_imported_is_in_nobodys_way(call, monkeypatch):
    genuine = registry.workload

    def workload(name):
        if name == "broken":
            raise RegistrationError("The workload 'broken' cannot be imported.")
        return genuine(name)

    monkeypatch.setattr(registry, "names", lambda _: ("broken", "maxcut"))
    monkeypatch.setattr(registry, "workload", workload)
    Path("own.csv").write_text(EDGES)
    assert call("mine", "--inputs", "own.csv")[0] == 0


def test_an_option_is_used_by_the_reader_and_written_in_place_of_the_usual_one(call):
    """Two features cannot give the usual four components."""
    Path("own.csv").write_text("length,width,label\n" + "".join(f"{k},{k * k % 7},{'ab'[k % 2]}\n" for k in range(20)))
    code, printed = call("mine", "--inputs", "own.csv")
    assert code == 3
    assert "fewer than num_components (4)" in printed.err
    words = ("--workload", "kernel_classification", "--set", "num_components=2", "--set", "bandwidths=[0.5, 1]")
    assert call("mine", "--inputs", "own.csv", *words)[0] == 0
    options = load_settings("mine/sweep.yaml").workloads["kernel_classification"].options
    assert (options["num_components"], options["bandwidths"], options["folds"]) == (2, [0.5, 1], 3)


@pytest.mark.parametrize("pair", ["folds", "folds=", "=3", "fol ds=3", "folds=[1", "a: b\nc=1", "folds=2026-01-01"])
def test_an_option_is_a_key_and_a_value(call, pair):
    Path("own.csv").write_text(FEATURES)
    code, printed = call("mine", "--inputs", "own.csv", "--workload", "kernel_classification", "--set", pair)
    assert code == 2
    assert "is no option. Write KEY=VALUE as in sweep.yaml" in printed.err


def test_nothing_is_ever_overwritten(call):
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("keep")
    code, printed = call("mine")
    assert code == 2
    assert "mine is not empty, and init overwrites nothing." in printed.err
    assert [path.name for path in Path("mine").iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_taken_even_the_working_one(call, tmp_path):
    inode = tmp_path.stat().st_ino
    assert call(".")[0] == 0
    assert tmp_path.stat().st_ino == inode
    assert Path("sweep.yaml").is_file()


def test_a_failed_move_puts_everything_back(tmp_path):
    draft, target = tmp_path / "draft", tmp_path / "target"
    for folder in (draft, target):
        folder.mkdir()
    (draft / "a").write_text("1")
    (draft / "b").mkdir()
    (target / "b").mkdir()
    (target / "b" / "theirs").write_text("in the way")
    with pytest.raises(OSError, match="not empty"):
        init._move_all(draft, target)
    assert (draft / "a").read_text() == "1"
    assert [path.name for path in target.iterdir()] == ["b"]
    assert [path.name for path in (target / "b").iterdir()] == ["theirs"]


def test_two_inputs_that_would_be_one_instance_are_refused(call):
    for name in ("One Graph.csv", "one-graph.csv"):
        Path(name).write_text(EDGES)
    code, printed = call("mine", "--inputs", "One Graph.csv", "one-graph.csv")
    assert code == 2
    assert "would both be the maxcut instance 'one-graph.csv': rename one." in printed.err
