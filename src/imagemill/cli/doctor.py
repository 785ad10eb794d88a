"""`imagemill doctor`: tries each part that the service stands on, and says how to mend what does not work."""

import typer

from imagemill.cli import options
from imagemill.cli.examination import examine
from imagemill.cli.finding import Verdict


def doctor(data: options.Data = None) -> None:
    """Check each part of the service and say how to mend it."""
    well = True
    for finding in examine(options.settings(data=data)):
        well = well and finding.verdict is not Verdict.FAIL
        typer.echo(f"{finding.verdict:<5}{finding.part:<12}{finding.detail}")
        if finding.remedy:
            typer.echo(f"{'':17}{finding.remedy}")
    if not well:
        raise typer.Exit(1)
