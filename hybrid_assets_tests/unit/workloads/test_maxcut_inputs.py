"""The shipped edge lists: unchanged, documented, and what their README says they are."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import networkx as nx
import pytest

from hybrid_assets.workloads._maxcut_edges import read_edges
from hybrid_assets.workloads.maxcut import MaxCut
from hybrid_assets_tests.unit.workloads.graphs import edges_of

FOLDER = Path(__file__).parents[3] / "data" / "inputs" / "maxcut"
#: | file | what | nodes | edges | degree | girth | largest cut | sha256 |
ROWS = {
    cells[0].strip("`"): cells
    for line in (FOLDER / "README.md").read_text().splitlines()
    if re.match(r"\| `.*\.csv` \|", line)
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}


def test_inputs_are_all_documented():
    assert sorted(ROWS) == sorted(path.name for path in FOLDER.glob("*.csv"))
    assert len(ROWS) >= 13


@pytest.mark.parametrize("name", ROWS)
def test_input_is_what_the_readme_says(name):
    _, _, nodes, edges, degree, girth, largest, sha256 = ROWS[name]
    assert f"`{hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()}`" == sha256
    read, _ = read_edges(FOLDER / name, source=name)
    graph = nx.Graph(list(read))
    degrees = {d for _, d in graph.degree}
    assert (len(graph), len(read), nx.girth(graph)) == (int(nodes), int(edges), int(girth))
    assert (str(*degrees) if len(degrees) == 1 else "-") == degree
    if len(graph) <= 16:
        problem = MaxCut().load(FOLDER / name, source=name, options=None).problem
        assert problem.value_table().max() == pytest.approx(float(largest), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "graph"),
    [
        ("petersen", nx.petersen_graph()),
        ("frucht", nx.frucht_graph()),
        ("heawood", nx.heawood_graph()),
        ("moebius-kantor", nx.moebius_kantor_graph()),
        ("dodecahedron", nx.dodecahedral_graph()),
        ("karate-club", nx.karate_club_graph()),
        ("florentine-families", nx.florentine_families_graph()),
    ],
)
def test_named_graph_is_that_graph(name, graph):
    shipped = nx.Graph(list(read_edges(FOLDER / f"{name}.csv", source=name)[0]))
    assert nx.is_isomorphic(shipped, graph)


def test_florentine_numbers_are_the_alphabetical_order():
    graph = nx.florentine_families_graph()
    number = {family: k for k, family in enumerate(sorted(graph))}
    expected = edges_of(nx.relabel_nodes(graph, number))
    assert set(read_edges(FOLDER / "florentine-families.csv", source="f")[0]) == set(expected)
