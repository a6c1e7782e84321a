"""`export`: a night as plain files for somebody else's tools."""

from __future__ import annotations

from pathlib import Path

import click

from hybrid_assets.errors import UsageError
from hybrid_assets.settings import load_settings


@click.command(short_help="Write a night as plain files with a manifest.")
@click.option("--night", metavar="YYYY-MM-DD", required=True, help="Which night.")
@click.option("--to", "target", metavar="FOLDER", help="A new folder (default: exports/NIGHT in the state folder).")
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
@click.option("--qoblib", metavar="FILE", help="Instead: the benchmark of the night as QOBLIB submissions, CSV.")
@click.pass_obj
def command(obj: dict[str, str | None], *, night: str, target: str | None, form: str, qoblib: str | None) -> int:
    r"""Write every view's rows of a night, one file a view, and manifest.json: data versions, row counts, SHA-256.

    The folder must not be there yet; it appears as a whole.

    \b
    Examples:
      hybrid-assets export --night 2026-11-20
      hybrid-assets export --night 2026-11-20 --to /tmp/night --format csv
      hybrid-assets export --night 2026-11-20 --qoblib submissions.csv
    """
    from hybrid_assets.runner.naming import night_named  # noqa: PLC0415 - with the verb
    from hybrid_assets.storage.bundle import write_bundle  # noqa: PLC0415 - imports pyarrow
    from hybrid_assets.storage.warehouse import Warehouse  # noqa: PLC0415 - as above

    settings = load_settings(obj["config"])
    chosen = night_named(settings, night)
    if qoblib is not None:
        if target is not None:
            raise UsageError("--qoblib FILE is where it goes: leave out --to.")
        from hybrid_assets.cli.benchmark import export_qoblib  # noqa: PLC0415 - with the option

        return export_qoblib(settings.home, night=chosen, file=Path(qoblib))
    folder = Path(target) if target else settings.home / "exports" / chosen
    manifest = write_bundle(Warehouse(settings.home), folder, night=chosen, form=form)
    rows = sum(view["rows"] for view in manifest["views"])
    click.echo(f"{len(manifest['views'])} views of {chosen}, {rows} rows: {folder}")
    return 0
