"""`report`: a night as one HTML file, and the index of all nights."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import UsageError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from hybrid_assets.report.publishing import Report


@click.command(short_help="Write a night's report as one HTML file.")
@click.option("--night", metavar="YYYY-MM-DD", help="Which night (default: the last one that has inputs).")
@click.option("--all", "is_all", is_flag=True, help="Every night that has inputs.")
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
@click.pass_obj
def command(obj: dict[str, str | None], *, night: str | None, is_all: bool, is_opened: bool) -> int:
    r"""Write reports/NIGHT.html and reports/index.html in the state folder, from what is published.

    The file needs no network and no script; each of its numbers stands beside the query it comes from.

    \b
    Examples:
      hybrid-assets report --open
      hybrid-assets report --night 2026-11-20
      hybrid-assets report --all
    """
    from hybrid_assets.report.publishing import published_nights, write_report  # noqa: PLC0415 - imports pyarrow
    from hybrid_assets.report.recording import record_night  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.naming import night_named  # noqa: PLC0415 - as above
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - as above

    if night and is_all:
        raise UsageError("Give --night or --all, not both.")
    settings = load_settings(obj["config"])
    project = Project.open(settings)
    nights = published_nights(project.warehouse)
    if night and night_named(settings, night) not in nights:
        raise UsageError(f"Nothing of {night} is published. `hybrid-assets run --night {night}` runs it.")
    if not nights:
        raise UsageError("No night is published yet: nothing to report. `hybrid-assets run` runs one.")
    chosen = nights if is_all else [night or nights[-1]]
    for name in chosen:
        record_night(project, name)
        written = write_report(settings, name)
        click.echo(_sentence(written))
    if is_opened:
        webbrowser.open(written.path.resolve().as_uri())
    return 0


def _sentence(report: Report) -> str:
    from hybrid_assets.model.text import plural  # noqa: PLC0415 - with the verb
    from hybrid_assets.report.words import number, seconds  # noqa: PLC0415 - with the verb

    found = report.tiles
    return (
        f"{report.path}: {plural(found['verdicts'], 'verdict')}, {plural(found['candidates'], 'advantage candidate')}, "
        f"lowest ratio {number(found['ratio'], digits=3)}, "
        f"largest effect {number(found['effect'], digits=3, sign=True)}, "
        f"{seconds(found['billed_s'])} billed, cost {number(found['cost'])}"
    )
