"""The edge of the program: every way a command can end becomes one exit code.

0 done · 1 a bug · 2 usage · 3 a model or the store failed · 4 something missing · 5 no such video
or moment · 6 media cannot be read · 7 done in part · 130 interrupted. This is the one place that
may catch every exception.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Callable
from typing import Any

import click

from longtake.cli.output import clean, envelope, style
from longtake.cli.session import Session
from longtake.errors import DiskFull, Interrupted, LongtakeError, MissingDependency, UsageError


def run(session: Session, work: Callable[[], Any]) -> int:
    """Do the work and return the exit code; what went wrong is printed."""
    try:
        result = work()
        sys.stdout.flush()
        return result if type(result) is int else 0
    except Exception as error:  # noqa: BLE001
        known = translate(error, session)
        report(known, session, error)
        _settle_stdout()
        return known.exit_code


def _settle_stdout() -> None:
    """Write what is still buffered; where that fails, let it go, or Python changes the exit code."""
    try:
        sys.stdout.flush()
    except OSError:
        hush_stdout()


def hush_stdout() -> None:
    """Let what is still buffered go nowhere; Python would complain when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def translate(error: BaseException, session: Session) -> LongtakeError:
    """Turn any exception into an error of our own tree."""
    if isinstance(error, LongtakeError):
        return error
    if isinstance(error, click.Abort):
        again = shlex.join(["longtake", *session.argv])
        return Interrupted("interrupted; what was done is kept", fix=f"go on with: {again}")
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return DiskFull("there is no room left on the disk", fix="make room and run it again")
    if isinstance(error, PermissionError):
        return UsageError(f"permission denied: {error.filename}", fix="check who owns it")
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return UsageError(
            f"{error.filename} cannot be written: its disk is read-only",
            fix="name a place on another disk",
        )
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("longtake"):
        package = str(error.name).split(".")[0]
        return MissingDependency(
            f"the Python package {package} is not installed", fix=f"pip install {package}"
        )
    kind = type(error).__name__
    return LongtakeError(f"internal error ({kind}: {error})", fix="run again with --debug")


def _usage(error: click.ClickException) -> UsageError:
    """Keep click's sentence and point to the command's help."""
    fix = None
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and error.ctx is not None:
        path = error.ctx.command_path
        return UsageError(f"{path} needs a command", fix=f"{path} --help lists them")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        fix = f"{error.ctx.command_path} --help"
    return UsageError(error.format_message().rstrip("."), fix=fix)


def report(known: LongtakeError, session: Session, cause: BaseException) -> None:
    """Print the error: the envelope on stdout with `--json`, else two lines on stderr."""
    if session.debug:
        import traceback

        traceback.print_exception(cause, file=sys.stderr)
    if session.json:
        click.echo(envelope(session, session.partial, error=known))
        return
    click.echo(f"{style('error:', fg='red', bold=True)} {clean(known.message)}", err=True)
    if known.fix:
        click.echo(f"  {style('fix:', fg='green')} {clean(known.fix)}", err=True)
