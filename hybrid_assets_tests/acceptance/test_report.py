"""The report of a real night in a real browser: nothing is wrong with it that a person would see."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from hybrid_assets_tests.acceptance.projects import NIGHT, make_project, run, sql

pytestmark = pytest.mark.slow

#: Measures every text of every drawing where the browser has put it.
PROBE = """<script>addEventListener("load", () => {
  const flaws = [];
  for (const svg of document.querySelectorAll("svg")) {
    const view = svg.viewBox.baseVal, texts = [...svg.querySelectorAll("text")].map(node => [node, node.getBBox()]);
    for (const [node, box] of texts)
      if (box.x < -.5 || box.y < -.5 || box.x + box.width > view.width + .5 || box.y + box.height > view.height + .5)
        flaws.push(node.textContent + " leaves the drawing");
    texts.forEach(([one, a], index) => texts.slice(index + 1).forEach(([other, b]) => {
      const aside = a.x >= b.x + b.width - .5 || b.x >= a.x + a.width - .5;
      if (!aside && a.y + 2.5 < b.y + b.height - 2.5 && b.y + 2.5 < a.y + a.height - 2.5)
        flaws.push(one.textContent + " covers " + other.textContent);
    }));
  }
  if (document.documentElement.scrollWidth > innerWidth) flaws.push("the page is wider than the window");
  const count = document.querySelectorAll("svg text").length;
  document.body.innerHTML = "<pre id=probe>" + JSON.stringify({flaws, count}) + "</pre>";
})</script></head>"""


def browser() -> str:
    """Return the browser; without one this test fails, for nobody would have looked."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "The report is looked at in Chromium, which is not installed: apt-get install chromium"
    return found


def chromium(folder, *words):
    """Run the browser on a file without a window; return what it printed."""
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
               f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=3000", *words]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = make_project(tmp_path_factory.mktemp("report"))
    (folder / "inputs" / "maxcut" / "broken.csv").write_text("source,target,weight\n0,1,<script>\n")
    for night in ("2026-11-01", NIGHT):
        answer = run(folder, "run", "--night", night)
        assert answer.returncode == 3, answer.stderr  # one input is refused
    return folder


def test_a_night_ends_with_its_report(project):
    row = next(row for row in sql(project, "from nightly_report") if row["night"] == NIGHT)
    file = project / "data" / "state" / row["file"]
    assert file.stat().st_size == row["bytes"] < 200_000
    recorded = [row["night"] for row in sql(project, "from environments where name = 'qiskit' order by night")]
    assert recorded == ["2026-11-01", NIGHT]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_browser_opens_it_without_a_word_on_the_console(project, tmp_path, scheme):
    file = project / "data" / "state" / "reports" / f"{NIGHT}.html"
    picture = tmp_path / f"{scheme}.png"
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    done = chromium(tmp_path, *dark, "--window-size=1240,5000", f"--screenshot={picture}", file.as_uri())
    assert "CONSOLE" not in done.stderr, done.stderr
    assert picture.stat().st_size > 50_000


def test_the_browser_lays_no_text_over_another_one_or_beyond_a_drawing(project, tmp_path):
    page = (project / "data" / "state" / "reports" / f"{NIGHT}.html").read_text()
    probed = tmp_path / "probed.html"
    probed.write_text(re.sub(r"<meta http-equiv=[^>]*>", "", page).replace("</head>", PROBE))
    done = chromium(tmp_path, "--window-size=1240,1000", "--dump-dom", probed.as_uri())
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert found, done.stdout[-2000:]
    answer = json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    assert answer["flaws"] == []
    assert answer["count"] > 100


def test_a_script_in_a_name_stays_text(project):
    page = (project / "data" / "state" / "reports" / f"{NIGHT}.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
