"""`hybrid-assets`: verbs are imported when they are called, so that ``--help`` answers at once."""

from __future__ import annotations

import gc
import importlib
import sqlite3
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from hybrid_assets.errors import ConfigurationError, HybridAssetsError
from hybrid_assets.model.text import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Verb -> its one-line help. The module `hybrid_assets.cli.<verb>` holds the function ``command``.
VERBS = {
    "init": "Make a project of your own.",
    "demo": "Run last night's sweep and show the result table.",
    "doctor": "Check settings, plug-ins, inputs, backends and state.",
    "plan": "Show what a night would run and cost.",
    "run": "Materialize a night in process.",
    "status": "Show what of a night is there and under way.",
    "show": "Show all that is known of a night, kernel or job.",
    "collect": "Go on with QPU jobs and publish what is finished.",
    "approve": "Approve a plan or a decision.",
    "reject": "Reject a plan or a decision.",
    "pause": "Send nothing more to a backend.",
    "resume": "Go on with a paused backend, or with a night's failed kernels.",
    "cancel": "Take kernels out of the queue.",
    "budget": "Show budgets, or set one.",
    "breaker": "Show breakers, or set one by hand.",
    "calibration": "Explain calibrations, and what they change.",
    "replay": "Recompute a night from raw counts, without a QPU.",
    "sql": "Query the warehouse.",
    "report": "Write a night's report as one HTML file.",
    "export": "Write a night as plain files with a manifest.",
    "ui": "Open the Dagster UI.",
}

#: Dagster and Qiskit make objects by the hundred thousand that live on: to search them for cycles at Python's own pace
#: takes a tenth of a night's time.
GC_THRESHOLDS = (50_000, 20, 100)
#: What to do about a disk that refuses.
_MEND = "Mend the disk, or the rights on that file or folder, and run it again."
#: SQLite's words for such a disk: primary result codes, the low byte of what it reports.
_DISK_CODES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
#: What to do about an error that nobody expected.
_BUG = (
    "This is a bug: nothing is lost, for what was done is in the ledger. Please report it with what "
    "`hybrid-assets --debug` and the same words print."
)


class _Verbs(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"There is no verb {args[0]!r}. {nearest(args[0], VERBS)}Verbs: {', '.join(VERBS)}.")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"hybrid_assets.cli.{cmd_name}").command
        _keep_lines_of_examples(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _keep_lines_of_examples(command: click.Command) -> None:
    r"""Turn the two characters ``\b`` of raw docstrings into the one by which Click knows a block not to be wrapped."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for part in command.commands.values():
            _keep_lines_of_examples(part)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(dir_okay=False), help="Settings file (default: sweep.yaml).")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(package_name="hybrid-assets")
@click.pass_context
def cli(ctx: click.Context, config: str | None, debug: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Quantum kernels inside classical workflows: reliable, measurable, explainable.

    Start with `hybrid-assets demo`.
    """
    ctx.obj = {"config": config, "debug": debug}


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code (0 ok, 1 bug, 2 usage, 3 set-up or input, 4-7 see the README)."""
    words = list(sys.argv[1:] if args is None else args)
    gc.set_threshold(*GC_THRESHOLDS)
    sys.exit(_run(words))


def _run(words: list[str]) -> int:
    try:
        result: Any = cli.main(words, prog_name="hybrid-assets", standalone_mode=False)
    except HybridAssetsError as exc:
        return _told(exc, words, str(exc), exc.exit_code)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. Run the same command again: nothing is lost and nothing is paid twice.", err=True)
        return 130
    except Exception as exc:  # noqa: BLE001 - the last door: whatever comes here and is not the disk's fault is a bug
        return _told(exc, words, *_last_words(exc))
    return result if isinstance(result, int) else 0


def _last_words(exc: Exception) -> tuple[str, int]:
    """Return what is said of an error that nobody expected, and the exit code."""
    if isinstance(exc, OSError):
        return f"{exc}. {_MEND}", ConfigurationError.exit_code
    if refusal := _refusal_of_the_disk(exc):
        return f"A database could not be written: {refusal}. {_MEND}", ConfigurationError.exit_code
    return f"{type(exc).__name__}: {exc}. {_BUG}", HybridAssetsError.exit_code


def _refusal_of_the_disk(exc: BaseException | None) -> str | None:
    """Return what the disk said under an exception of a database, Dagster's own for example; None: it said nothing."""
    while exc is not None:
        code = getattr(exc, "sqlite_errorcode", None)
        if isinstance(exc, sqlite3.OperationalError) and code is not None and code & 0xFF in _DISK_CODES:
            return str(exc)
        exc = exc.__cause__ or exc.__context__
    return None


def _told(exc: Exception, words: list[str], text: str, code: int) -> int:
    """Print an error, with its traceback where that was asked for; return the exit code."""
    if "--debug" in words:
        traceback.print_exception(exc)
    click.echo(f"Error: {text}", err=True)
    return code
