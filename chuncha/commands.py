"""What `chuncha` can be told on a machine's command line; every command takes the same --data."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from domain.clock import real_time
from domain.settings import Settings, read_settings
from statemachines.labels import LOCAL
from statemachines.roles import SYSTEM, Role

if TYPE_CHECKING:
    # Whatever touches the records is loaded by the command that needs it: it takes seconds, and `--help` needs none.
    from chuncha.installation import Installation

app = typer.Typer(
    help="春查 Chuncha: safety inspections, hazard tickets and their summary.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
user = typer.Typer(help="People who log in.", no_args_is_help=True)
token = typer.Typer(help="Bearer tokens for programs.", no_args_is_help=True)
app.add_typer(user, name="user")
app.add_typer(token, name="token")
calendar = typer.Typer(help="Working days: holidays, make-up days, units and shifts.", no_args_is_help=True)
app.add_typer(calendar, name="calendar")

console = Console()

Data = Annotated[
    Path | None, typer.Option("--data", help="Folder that holds everything this installation owns.")
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
        help="Act as if it were this moment (Asia/Shanghai).",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write and send nothing.")]


def _moment(as_of: datetime | None) -> datetime:
    if as_of is None:
        return real_time()
    return as_of if as_of.tzinfo else as_of.replace(tzinfo=LOCAL)


def _settings(data: Path | None, **given: object) -> Settings:
    return read_settings(data=data, **given)


@contextmanager
def opened(settings: Settings, *, migrate: bool = False, own: bool = False) -> Iterator[Installation]:
    """The installation these settings name, for one command."""
    from chuncha.installation import open_installation

    with open_installation(settings, migrate=migrate, own=own) as installation:
        yield installation


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def greet(installation: Installation) -> None:
    """In an empty database create the administrator and print the one-time password."""
    from domain.people import first_administrator

    with installation.database.transaction() as session:
        first = first_administrator(session, now=real_time())
    if first is not None:
        login, password = first
        _say(f"First administrator: {login}   one-time password: {password}")


@app.command()
def serve(
    data: Data = None,
    port: Annotated[int | None, typer.Option(help="Where the pages are served.")] = None,
    host: Annotated[str | None, typer.Option(help="0.0.0.0 lets other machines in.")] = None,
) -> None:
    """Run everything on this machine: database, pages and calls, scheduler, flows."""
    from chuncha.processes import serve as run

    settings = _settings(data, port=port, host=host)
    if "public_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": f"http://{settings.host}:{settings.port}"})
    with opened(settings, migrate=True, own=True) as installation:
        greet(installation)
        run(installation, say=_say)


@app.command()
def migrate(
    data: Data = None,
    down: Annotated[
        str | None, typer.Option(help="Go down to this revision instead (base: nothing).")
    ] = None,
    draft: Annotated[
        str | None,
        typer.Option(help="Then write a migration for what the records add to it, for developers."),
    ] = None,
) -> None:
    """Bring the database's schema up to this release, or down."""
    from domain import migrations

    with opened(_settings(data)) as installation:
        if down is not None:
            migrations.downgrade(installation.database, down)
        else:
            migrations.upgrade(installation.database)
            if draft is None:
                greet(installation)
            else:
                # The records are ahead of the schema, so nothing is read or written through them.
                migrations.draft(installation.database, draft)
        current, newest = migrations.revisions(installation.database)
        _say(f"Schema: {current or 'empty'} (newest: {newest})")


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="units, people, checklist, hazards or tickets")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX")],
    data: Data = None,
) -> None:
    """Import a table; every bad row is reported by its line, and nothing is imported unless all are good."""
    from domain.imports import KINDS, import_table

    if kind not in KINDS:
        raise typer.BadParameter(f"one of {', '.join(KINDS)}", param_hint="KIND")
    with opened(_settings(data), migrate=True) as installation:
        greet(installation)
        with installation.database.transaction() as session:
            report = import_table(session, kind, file.read_bytes(), file.name, actor=SYSTEM, now=real_time())
        for line in report.lines("zh"):
            _say(line)
        if not report.good:
            raise typer.Exit(1)


@user.command("add")
def user_add(
    login: str,
    name: str,
    unit: Annotated[str, typer.Option(help="Code of the unit the person belongs to.")],
    role: Annotated[
        list[Role] | None, typer.Option(help="May be repeated; holds at the unit and below.")
    ] = None,
    email: Annotated[str | None, typer.Option()] = None,
    data: Data = None,
) -> None:
    """Add a person and print a one-time password."""
    from domain.people import NewPerson, add_person

    password = secrets.token_urlsafe(9)
    with opened(_settings(data)) as installation, installation.database.transaction() as session:
        new = NewPerson(login=login, name=name, unit=unit, roles=role or [], email=email, password=password)
        person = add_person(session, new, actor=SYSTEM, now=real_time())
        person.password_is_one_time = True
    _say(f"{login}   one-time password: {password}")


@user.command("password")
def user_password(login: str, data: Data = None) -> None:
    """Give a person a new one-time password and end their sessions."""
    from domain.access import set_password

    password = secrets.token_urlsafe(9)
    with opened(_settings(data)) as installation, installation.database.transaction() as session:
        set_password(session, login, password, one_time=True, actor=SYSTEM, now=real_time())
    _say(f"{login}   one-time password: {password}")


@user.command("deactivate")
def user_deactivate(login: str, data: Data = None) -> None:
    """End a person's access; the records that name them stay."""
    from domain.access import revoke_tokens
    from domain.people import deactivate

    with opened(_settings(data)) as installation, installation.database.transaction() as session:
        deactivate(session, login, actor=SYSTEM, now=real_time())
        revoke_tokens(session, login, now=real_time())
    _say(f"{login} can no longer sign in.")


@token.command("issue")
def token_issue(
    login: str,
    days: Annotated[
        int | None, typer.Option(min=1, help="How long it is valid; for ever when left out.")
    ] = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    data: Data = None,
) -> None:
    """Print a bearer token for a person or program; it is shown only once."""
    from domain.access import issue_token

    with opened(_settings(data)) as installation, installation.database.transaction() as session:
        lasts = None if days is None else timedelta(days=days)
        made = issue_token(session, login, note=note, now=real_time(), lasts=lasts)
    # Alone on its line and unstyled, for a shell that keeps it in a variable.
    typer.echo(made)


@token.command("revoke")
def token_revoke(login: str, data: Data = None) -> None:
    """Revoke every token of a person or program."""
    from domain.access import revoke_tokens

    with opened(_settings(data)) as installation, installation.database.transaction() as session:
        count = revoke_tokens(session, login, now=real_time())
    _say(f"{count} revoked.")


@calendar.command("import")
def calendar_import(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help=".ics, or CSV/XLSX day,working,name")
    ],
    year: Annotated[int, typer.Option(help="The year it is for.")],
    name: Annotated[str | None, typer.Option(help="What it is called; left out: the file's name.")] = None,
    unit: Annotated[str | None, typer.Option(help="Code of the unit; left out: the nation.")] = None,
    dry_run: DryRun = False,
    data: Data = None,
) -> None:
    """Put a calendar in force and move the open deadlines it moves; --dry-run only lists them."""
    from domain.calendar_import import NewCalendar, preview, put_calendar, read_days

    with opened(_settings(data)) as installation, installation.database.transaction() as session:
        new = NewCalendar(
            name=name or file.stem, unit=unit, year=year, days=read_days(file.read_bytes()), source=file.name
        )
        if dry_run:
            moves = preview(session, new, actor=SYSTEM, now=real_time())
        else:
            _, moves = put_calendar(session, new, actor=SYSTEM, now=real_time())
        if moves:
            table = Table("ticket", "unit", "deadline before", "deadline now")
            for move in moves:
                before, after = (
                    f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M}" for at in (move.before, move.due.at)
                )
                table.add_row(move.number, move.unit, before, after)
            console.print(table)
        said = f"{len(new.days)} days, {len(moves)} deadlines moved"
        _say(f"{said}{' (dry run: nothing was written)' if dry_run else ''}")


@calendar.command("show")
def calendar_show(
    year: int,
    unit: Annotated[str | None, typer.Option(help="Code of the unit; left out: the nation.")] = None,
    data: Data = None,
) -> None:
    """List the holidays and make-up days of a year."""
    from domain.calendars import special_days
    from domain.people import unit_by_code

    with opened(_settings(data)) as installation, installation.database.reading() as session:
        found = unit_by_code(session, unit, actor=SYSTEM) if unit else None
        days = special_days(session, found, year)
    table = Table("day", "work", "name", "source")
    for each in days:
        shown = each.name("zh") + (" (provisional)" if each.provisional else "")
        table.add_row(each.day.isoformat(), "yes" if each.working else "no", shown, each.source)
    console.print(table)


@app.command()
def sweep(as_of: AsOf = None, dry_run: DryRun = False, data: Data = None) -> None:
    """Remind before deadlines and escalate after them, now."""
    from domain.escalation import sweep_all

    with opened(_settings(data)) as installation:
        result = sweep_all(installation.database, as_of=_moment(as_of), dry_run=dry_run)
    if result.lines:
        table = Table("matter", "number", "step", "who", "channel", "subject")
        for each in result.lines:
            table.add_row(each.matter.zh, each.number, each.step, each.name, each.channel, each.subject)
        console.print(table)
    counted = ", ".join(f"{name} {count}" for name, count in result.said().items())
    _say(f"{counted}{' (dry run: nothing was written or sent)' if dry_run else ''}")


@app.command()
def simulate(
    campaign: Annotated[str, typer.Argument(help="Code of the campaign.")],
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; today when left out.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day; a month after the campaign's last date."),
    ] = None,
    data: Data = None,
) -> None:
    """Play a campaign's calendar ahead, writing and sending nothing: who would be told how much on which day."""
    from domain.simulation import simulate as play

    with opened(_settings(data)) as installation:
        played = play(
            installation.database,
            campaign,
            now=real_time(),
            first=from_.date() if from_ else None,
            until=until.date() if until else None,
        )
    by_day = Table("day", "visits", "missed", "messages", "people", "most to one", "phases", title=campaign)
    for day in played.days:
        if day.visits or day.missed or day.messages or day.moved:
            most = max(day.told.values(), default=0)
            counts = (day.visits, day.missed, day.messages, len(day.told), most)
            by_day.add_row(f"{day.day:%Y-%m-%d %a}", *map(str, counts), ", ".join(day.moved))
    console.print(by_day)
    by_person = Table("who", "messages", "heaviest day", "on it")
    for login, total, heaviest, count in played.load():
        by_person.add_row(f"{played.names[login]} ({login})", str(total), f"{heaviest:%Y-%m-%d}", str(count))
    console.print(by_person)
    peak = played.peak()
    if peak is not None:
        _say(f"Peak: {peak.day:%Y-%m-%d}, {peak.messages} messages to {len(peak.told)} people.")
    _say("As if nobody acted; nothing was written or sent.")


@app.command()
def deliver(as_of: AsOf = None, dry_run: DryRun = False, data: Data = None) -> None:
    """Send the notices that wait, now."""
    from domain.delivery import deliver_all

    settings = _settings(data)
    moment = _moment(as_of)
    with opened(settings) as installation:
        result = deliver_all(
            installation.database, settings, as_of=moment, now=max(moment, real_time()), dry_run=dry_run
        )
    _say(str(result))


@app.command()
def summary(
    campaign: Annotated[str, typer.Argument(help="Code of the campaign.")],
    out: Annotated[Path, typer.Option(help="Folder the papers are written to.")] = Path(),
    as_of: AsOf = None,
    data: Data = None,
) -> None:
    """Write a draft of the summary from the figures as they stand."""
    from papers.publishing import draft_summary

    with opened(_settings(data)) as installation:
        written = draft_summary(
            installation.database, installation.files, campaign, now=_moment(as_of), folder=out
        )
    for path in written:
        _say(str(path))


@app.command()
def doctor(data: Data = None) -> None:
    """Say what this installation has and what it lacks."""
    from chuncha.doctor import examine

    settings = _settings(data)
    with opened(settings) as installation:
        findings = examine(installation, now=real_time())
    for finding in findings:
        _say(f"{'ok  ' if finding.good else 'BAD '} {finding.about}: {finding.said}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


@app.command()
def demo(
    data: Data = None,
    port: Annotated[int | None, typer.Option(help="Where the pages are served afterwards.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after writing the papers.")] = False,
    seed: Annotated[int, typer.Option(help="Two runs with the same seed agree.")] = 2026,
    sample: Annotated[
        str,
        typer.Option(help="spring: a bureau's 春查 on real figures. kindergarten: a month of weekly checks."),
    ] = "spring",
) -> None:
    """Play a whole campaign, write its papers, then serve the pages."""
    from chuncha.demo.backstage import wake_ancestor

    wake_ancestor()
    from chuncha.demo.play import play_demo
    from chuncha.demo.sample import NAMES

    if sample not in NAMES:
        raise typer.BadParameter(f"one of {', '.join(NAMES)}", param_hint="--sample")
    play_demo(sample=sample, data=data, port=port, serve_after=not no_serve, seed=seed, console=console)
