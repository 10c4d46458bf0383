"""Who may call what: the one table. A route that is not here cannot be called.

`ANYBODY` needs no login. `SIGNED_IN` needs one; what is then seen is narrowed by domain/visibility.py. `BY_CHART` needs
one too, and the record's chart decides who may cause the event at that record's unit (statemachines/). `doing(…)`
turns away at the gate whoever holds none of the roles for it anywhere; the command still asks for the role at the unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from domain.rights import RIGHTS, Deed
from domain.visibility import WATCH_REPORTS
from statemachines.roles import Role

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the gate asks of a caller. `page` asks for the cookie of a login, otherwise for a bearer token."""

    public: bool = False
    page: bool = False
    roles: frozenset[Role] = field(default=frozenset())
    by_chart: bool = False


ANYBODY = Rule(public=True)
SIGNED_IN = Rule()
BY_CHART = Rule(by_chart=True)


def holding(*roles: Role) -> Rule:
    """Signed in, and one of these roles is held somewhere."""
    return Rule(roles=frozenset(roles))


def doing(deed: Deed) -> Rule:
    """Signed in, and one of the roles that may do this is held somewhere (domain/rights.py)."""
    return holding(*RIGHTS[deed])


#: Static files: the same bytes for everybody.
PUBLIC_MOUNTS = frozenset({"/static"})

_CALLS: dict[tuple[str, str], Rule] = {
    # Anybody with a role reports what they saw (安全生产法 Art. 59).
    ("POST", f"{API}/findings"): SIGNED_IN,
    ("POST", f"{API}/findings/batch"): SIGNED_IN,
    ("PUT", f"{API}/files/{{sha256}}"): SIGNED_IN,
    ("HEAD", f"{API}/files/{{sha256}}"): SIGNED_IN,
    ("GET", f"{API}/files/{{sha256}}"): SIGNED_IN,
    ("GET", f"{API}/tickets"): SIGNED_IN,
    ("GET", f"{API}/tickets/similar"): SIGNED_IN,
    ("GET", f"{API}/tickets/{{number}}"): SIGNED_IN,
    ("POST", f"{API}/places"): doing(Deed.MANAGE_PLACES),
    ("GET", f"{API}/places"): SIGNED_IN,
    ("GET", f"{API}/places/{{code}}"): SIGNED_IN,
    ("GET", f"{API}/tickets/{{number}}/history"): SIGNED_IN,
    ("GET", f"{API}/tickets/{{number}}/transitions"): SIGNED_IN,
    ("GET", f"{API}/tickets/{{number}}/verifiers"): SIGNED_IN,
    ("GET", f"{API}/tickets/{{number}}/escalations"): SIGNED_IN,
    ("GET", f"{API}/tickets/{{number}}/extensions"): SIGNED_IN,
    # Whoever sees a ticket may say something about it.
    ("GET", f"{API}/tickets/{{number}}/comments"): SIGNED_IN,
    ("POST", f"{API}/tickets/{{number}}/comments"): SIGNED_IN,
    **{
        ("POST", f"{API}/tickets/bulk/{act}"): BY_CHART
        for act in ("assign", "reassign", "verify", "extension-decisions")
    },
    **{
        ("POST", f"{API}/tickets/{{number}}/{event}"): BY_CHART
        for event in (
            "assign",
            "acknowledge",
            "progress",
            "fix",
            "fix-on-spot",
            "verify",
            "reassign",
            "cancel",
            "supervise",
            "regrade",
            "transfer",
            "correct",
            "extensions",
        )
    },
    ("POST", f"{API}/extensions/{{id}}/approve"): BY_CHART,
    ("POST", f"{API}/extensions/{{id}}/refuse"): BY_CHART,
    ("POST", f"{API}/campaigns"): doing(Deed.CREATE_CAMPAIGN),
    ("GET", f"{API}/campaigns"): SIGNED_IN,
    ("GET", f"{API}/campaigns/{{code}}"): SIGNED_IN,
    ("POST", f"{API}/campaigns/{{code}}/{{event}}"): BY_CHART,
    ("GET", f"{API}/campaigns/{{code}}/status"): SIGNED_IN,
    ("POST", f"{API}/campaigns/{{code}}/samples"): doing(Deed.DRAW_SAMPLE),
    ("GET", f"{API}/campaigns/{{code}}/samples"): SIGNED_IN,
    ("GET", f"{API}/campaigns/{{code}}/samples/{{id}}"): SIGNED_IN,
    ("GET", f"{API}/campaigns/{{code}}/sampled-tickets"): SIGNED_IN,
    ("POST", f"{API}/campaigns/{{code}}/sampled-tickets/{{number}}/check"): BY_CHART,
    ("POST", f"{API}/campaigns/{{code}}/sampled-tickets/checks"): BY_CHART,
    ("POST", f"{API}/campaigns/{{code}}/quantities"): doing(Deed.RECORD_QUANTITIES),
    ("POST", f"{API}/campaigns/{{code}}/quantities/batch"): doing(Deed.RECORD_QUANTITIES),
    ("GET", f"{API}/campaigns/{{code}}/quantities"): SIGNED_IN,
    ("POST", f"{API}/campaigns/{{code}}/zero-reports"): doing(Deed.ZERO_REPORT),
    ("GET", f"{API}/campaigns/{{code}}/rotas"): SIGNED_IN,
    ("POST", f"{API}/campaigns/{{code}}/rotas"): doing(Deed.PLAN_ROTA),
    ("GET", f"{API}/campaigns/{{code}}/rotas/{{id}}"): SIGNED_IN,
    ("PATCH", f"{API}/campaigns/{{code}}/rotas/{{id}}"): doing(Deed.PLAN_ROTA),
    ("POST", f"{API}/campaigns/{{code}}/summary"): doing(Deed.REQUEST_SUMMARY),
    **{
        ("GET", f"{API}/campaigns/{{code}}/{paper}"): SIGNED_IN
        for paper in ("summary", "summary.docx", "summary.html", "summary.pdf", "ledger.xlsx")
    },
    # What a worker told, and perhaps their name: for those who watch over the unit; others are told there is none.
    ("GET", f"{API}/reports"): SIGNED_IN,
    ("GET", f"{API}/reports/{{id}}"): SIGNED_IN,
    **{("POST", f"{API}/reports/{{id}}/{act}"): BY_CHART for act in ("accept", "join", "decline")},
    ("POST", f"{API}/calls"): doing(Deed.RECORD_CALL),
    ("GET", f"{API}/calls"): SIGNED_IN,
    ("GET", f"{API}/calls/{{number}}"): SIGNED_IN,
    **{
        ("POST", f"{API}/calls/{{number}}/{act}"): BY_CHART
        for act in ("answer", "call-back", "settle", "ticket", "link")
    },
    ("GET", f"{API}/campaigns/{{code}}/call-figures"): SIGNED_IN,
    ("POST", f"{API}/tools"): doing(Deed.REGISTER_TOOL),
    ("GET", f"{API}/tools"): SIGNED_IN,
    ("GET", f"{API}/tools/{{number}}"): SIGNED_IN,
    ("POST", f"{API}/tools/{{number}}/tests"): doing(Deed.TEST_TOOL),
    ("POST", f"{API}/tools/tests"): doing(Deed.TEST_TOOL),
    ("GET", f"{API}/tools/{{number}}/tests"): SIGNED_IN,
    ("POST", f"{API}/inspections"): doing(Deed.PLAN_INSPECTION),
    ("GET", f"{API}/inspections"): SIGNED_IN,
    ("GET", f"{API}/inspections/{{id}}"): SIGNED_IN,
    ("PUT", f"{API}/inspections/{{id}}/answers"): BY_CHART,
    ("POST", f"{API}/inspections/{{id}}/submit"): BY_CHART,
    ("POST", f"{API}/inspections/{{id}}/miss"): BY_CHART,
    ("POST", f"{API}/inspections/{{id}}/hand-over"): BY_CHART,
    ("POST", f"{API}/inspections/{{id}}/conflicts/{{conflict}}"): BY_CHART,
    # The library is everybody's, as the checklists are.
    ("GET", f"{API}/standard-hazards"): SIGNED_IN,
    ("GET", f"{API}/standard-hazards/{{code}}"): SIGNED_IN,
    ("POST", f"{API}/suggestions"): doing(Deed.SUGGEST),
    ("GET", f"{API}/suggestions"): SIGNED_IN,
    ("GET", f"{API}/suggestions/{{number}}"): SIGNED_IN,
    ("GET", f"{API}/suggestions/{{number}}/history"): SIGNED_IN,
    **{
        ("POST", f"{API}/suggestions/{{number}}/{event}"): BY_CHART
        for event in ("answer", "dispute", "explain", "settle")
    },
    ("GET", f"{API}/supervisions"): SIGNED_IN,
    ("GET", f"{API}/supervisions/{{number}}"): SIGNED_IN,
    ("POST", f"{API}/supervisions/{{number}}/report"): BY_CHART,
    ("POST", f"{API}/supervisions/{{number}}/delist"): BY_CHART,
    ("GET", f"{API}/tickets/{{number}}/plans"): SIGNED_IN,
    ("POST", f"{API}/tickets/{{number}}/plans"): BY_CHART,
    ("POST", f"{API}/plans/{{id}}/approve"): BY_CHART,
    ("POST", f"{API}/plans/{{id}}/refuse"): BY_CHART,
    # The in-box is one's own; what was told about a ticket is seen by whoever sees the ticket.
    ("GET", f"{API}/notices"): SIGNED_IN,
    ("GET", f"{API}/notices/{{id}}"): SIGNED_IN,
    ("POST", f"{API}/notices/{{id}}/acknowledge"): SIGNED_IN,
    ("GET", f"{API}/tickets/{{number}}/notices"): SIGNED_IN,
    ("POST", f"{API}/outlets"): doing(Deed.MANAGE_OUTLET),
    ("GET", f"{API}/outlets"): doing(Deed.MANAGE_OUTLET),
    ("GET", f"{API}/outlets/{{id}}"): doing(Deed.MANAGE_OUTLET),
    ("PATCH", f"{API}/outlets/{{id}}"): doing(Deed.MANAGE_OUTLET),
    **{
        ("POST", f"{API}/outlets/{{id}}/{event}"): doing(Deed.MANAGE_OUTLET)
        for event in ("rotate", "switch-on", "switch-off", "test")
    },
    # One's own absence anybody records; for another person the command asks for the role at their unit.
    ("POST", f"{API}/absences"): SIGNED_IN,
    ("GET", f"{API}/absences"): SIGNED_IN,
    ("GET", f"{API}/absences/{{id}}"): SIGNED_IN,
    ("POST", f"{API}/absences/{{id}}/end"): SIGNED_IN,
    ("GET", f"{API}/campaigns/{{code}}/ladders"): SIGNED_IN,
    ("PUT", f"{API}/campaigns/{{code}}/ladders"): doing(Deed.SET_LADDERS),
    ("GET", f"{API}/units/{{code}}/ladders"): SIGNED_IN,
    ("PUT", f"{API}/units/{{code}}/ladders"): doing(Deed.SET_LADDERS),
    ("GET", f"{API}/calendar"): SIGNED_IN,
    ("GET", f"{API}/calendar/explain"): SIGNED_IN,
    ("POST", f"{API}/calendar/preview"): doing(Deed.IMPORT_CALENDAR),
    ("POST", f"{API}/calendar/import"): doing(Deed.IMPORT_CALENDAR),
    ("GET", f"{API}/feeds"): SIGNED_IN,
    ("POST", f"{API}/feeds"): SIGNED_IN,
    ("DELETE", f"{API}/feeds/{{id}}"): SIGNED_IN,
    # The secret in the address is the key: it shows what the feed's owner may see.
    ("GET", "/calendar/{secret}.ics"): ANYBODY,
    ("GET", "/problems/{code}"): ANYBODY,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/metrics"): ANYBODY,
    **{
        (method, path): ANYBODY
        for method in ("GET", "HEAD")
        for path in ("/openapi.json", "/docs", "/docs/oauth2-redirect")
    },
}

_PAGES: dict[tuple[str, str], Rule] = {
    ("GET", "/login"): ANYBODY,
    ("POST", "/login"): ANYBODY,
    ("POST", "/language/{lang}"): ANYBODY,
    # Any worker may report, by name or not (安全生产法 Art. 59, 74); the reply code is the key to the outcome.
    ("GET", "/p/{code}"): ANYBODY,
    ("GET", "/p/{code}/report"): ANYBODY,
    ("POST", "/p/{code}/report"): ANYBODY,
    ("GET", "/r"): ANYBODY,
    ("GET", "/r/{code}"): ANYBODY,
    ("POST", "/logout"): SIGNED_IN,
    ("GET", "/password"): SIGNED_IN,
    ("POST", "/password"): SIGNED_IN,
    ("GET", "/account"): SIGNED_IN,
    ("POST", "/account/feeds"): SIGNED_IN,
    ("POST", "/account/feeds/{id}/revoke"): SIGNED_IN,
    ("GET", "/"): SIGNED_IN,
    ("GET", "/findings/new"): SIGNED_IN,
    ("POST", "/findings/new"): SIGNED_IN,
    ("GET", "/findings/mine"): SIGNED_IN,
    ("GET", "/findings/similar"): SIGNED_IN,
    ("GET", "/tickets"): SIGNED_IN,
    # Filters and columns are one's own.
    ("POST", "/tickets/filters"): SIGNED_IN,
    ("POST", "/tickets/filters/{id}/forget"): SIGNED_IN,
    ("POST", "/tickets/columns"): SIGNED_IN,
    ("POST", "/tickets/{number}/comments"): SIGNED_IN,
    ("GET", "/tickets/bulk/{act}"): SIGNED_IN,
    ("POST", "/tickets/bulk/{act}"): BY_CHART,
    ("GET", "/tickets/bulk/acts/{id}"): SIGNED_IN,
    ("GET", "/tickets/{number}"): SIGNED_IN,
    ("GET", "/tickets/{number}/{action}"): SIGNED_IN,
    ("POST", "/tickets/{number}/{action}"): BY_CHART,
    ("POST", "/tickets/{number}/photos"): SIGNED_IN,
    ("GET", "/extensions/{id}/{decision}"): SIGNED_IN,
    ("POST", "/extensions/{id}/{decision}"): BY_CHART,
    ("GET", "/photos/{sha256}"): SIGNED_IN,
    # Checklists, the library and their photos are everybody's to read.
    ("GET", "/photos/guidance/{sha256}"): SIGNED_IN,
    ("GET", "/checklists/{code}"): SIGNED_IN,
    ("POST", "/checklists/{code}/hazards"): doing(Deed.KEEP_HAZARDS),
    ("POST", "/checklists/{code}/{item}/guidance"): doing(Deed.SET_GUIDANCE),
    ("GET", "/hazards"): SIGNED_IN,
    ("GET", "/hazards/{code}"): SIGNED_IN,
    ("POST", "/hazards/{code}/guidance"): doing(Deed.SET_GUIDANCE),
    ("POST", "/hazards/{code}/withdraw"): doing(Deed.KEEP_HAZARDS),
    ("GET", "/flows"): holding(Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR),
    ("GET", "/flows/runs/{id}"): holding(Role.SUPERVISOR, Role.LEADER, Role.ADMINISTRATOR),
    ("POST", "/flows/runs/{id}/again"): doing(Deed.RUN_FLOW),
    ("POST", "/flows/{flow}/run"): doing(Deed.RUN_FLOW),
    ("GET", "/campaigns"): SIGNED_IN,
    ("GET", "/campaigns/{code}"): SIGNED_IN,
    ("GET", "/campaigns/{code}/status"): SIGNED_IN,
    ("GET", "/campaigns/{code}/sample"): SIGNED_IN,
    ("POST", "/campaigns/{code}/sample"): doing(Deed.DRAW_SAMPLE),
    ("GET", "/campaigns/{code}/sample/draws/{id}"): SIGNED_IN,
    ("GET", "/campaigns/{code}/sample/{number}"): SIGNED_IN,
    ("POST", "/campaigns/{code}/sample/{number}"): BY_CHART,
    ("GET", "/campaigns/{code}/summary"): SIGNED_IN,
    ("GET", "/campaigns/{code}/summary/{ending}"): SIGNED_IN,
    ("POST", "/campaigns/{code}/summary"): doing(Deed.REQUEST_SUMMARY),
    ("GET", "/campaigns/{code}/quantities"): SIGNED_IN,
    ("POST", "/campaigns/{code}/quantities"): doing(Deed.RECORD_QUANTITIES),
    ("POST", "/campaigns/{code}/zero_report"): doing(Deed.ZERO_REPORT),
    ("GET", "/campaigns/{code}/{event}"): SIGNED_IN,
    ("POST", "/campaigns/{code}/{event}"): BY_CHART,
    ("POST", "/inspections"): doing(Deed.PLAN_INSPECTION),
    ("GET", "/inspections/{id}"): SIGNED_IN,
    ("POST", "/inspections/{id}"): BY_CHART,
    ("GET", "/places"): SIGNED_IN,
    ("GET", "/places/sheet.pdf"): SIGNED_IN,
    ("GET", "/places/new"): doing(Deed.MANAGE_PLACES),
    ("POST", "/places/new"): doing(Deed.MANAGE_PLACES),
    ("GET", "/places/{code}"): SIGNED_IN,
    ("POST", "/places/{code}"): doing(Deed.MANAGE_PLACES),
    ("GET", "/work"): SIGNED_IN,
    ("GET", "/tools"): SIGNED_IN,
    ("GET", "/tools/sheet.pdf"): SIGNED_IN,
    ("GET", "/tools/new"): doing(Deed.REGISTER_TOOL),
    ("POST", "/tools/new"): doing(Deed.REGISTER_TOOL),
    ("GET", "/tools/{number}"): SIGNED_IN,
    ("POST", "/tools/{number}"): doing(Deed.TEST_TOOL),
    ("GET", "/calls"): SIGNED_IN,
    ("GET", "/calls/new"): doing(Deed.RECORD_CALL),
    ("POST", "/calls/new"): doing(Deed.RECORD_CALL),
    ("GET", "/calls/{number}"): SIGNED_IN,
    ("POST", "/calls/{number}/{event}"): BY_CHART,
    ("GET", "/import/{kind}"): doing(Deed.IMPORT_FINDINGS),
    ("GET", "/import/{kind}/template.xlsx"): doing(Deed.IMPORT_FINDINGS),
    ("POST", "/import/{kind}"): doing(Deed.IMPORT_FINDINGS),
    ("GET", "/reports"): holding(*WATCH_REPORTS),
    ("GET", "/reports/{id}"): holding(*WATCH_REPORTS),
    ("POST", "/reports/{id}/{decision}"): BY_CHART,
    ("GET", "/inspections/{id}/sign"): SIGNED_IN,
    ("POST", "/inspections/{id}/sign"): BY_CHART,
    ("GET", "/inspections/{id}/hand-over"): SIGNED_IN,
    ("POST", "/inspections/{id}/hand-over"): BY_CHART,
    ("GET", "/suggestions"): SIGNED_IN,
    ("GET", "/suggestions/new"): SIGNED_IN,
    ("POST", "/suggestions/new"): doing(Deed.SUGGEST),
    ("GET", "/suggestions/{id}"): SIGNED_IN,
    ("GET", "/suggestions/{id}/paper"): SIGNED_IN,
    ("GET", "/suggestions/{id}/{event}"): SIGNED_IN,
    ("POST", "/suggestions/{id}/{event}"): BY_CHART,
    ("GET", "/supervisions"): SIGNED_IN,
    ("GET", "/supervisions/{id}"): SIGNED_IN,
    ("GET", "/supervisions/{id}/paper"): SIGNED_IN,
    ("GET", "/supervisions/{id}/{event}"): SIGNED_IN,
    ("POST", "/supervisions/{id}/{event}"): BY_CHART,
    ("GET", "/tickets/{number}/plan"): SIGNED_IN,
    ("POST", "/tickets/{number}/plan"): BY_CHART,
    ("GET", "/plans/{id}"): SIGNED_IN,
    ("POST", "/plans/{id}/{decision}"): BY_CHART,
    ("GET", "/admin"): doing(Deed.READ_AUDIT),
    ("GET", "/admin/audit"): doing(Deed.READ_AUDIT),
    ("GET", "/admin/units"): doing(Deed.MANAGE_UNITS),
    ("GET", "/admin/units/new"): doing(Deed.MANAGE_UNITS),
    ("POST", "/admin/units/new"): doing(Deed.MANAGE_UNITS),
    ("GET", "/admin/units/{code}"): doing(Deed.MANAGE_UNITS),
    ("POST", "/admin/units/{code}"): doing(Deed.MANAGE_UNITS),
    ("GET", "/admin/people"): doing(Deed.MANAGE_PEOPLE),
    ("GET", "/admin/people/new"): doing(Deed.MANAGE_PEOPLE),
    ("POST", "/admin/people/new"): doing(Deed.MANAGE_PEOPLE),
    ("GET", "/admin/people/{login}"): doing(Deed.MANAGE_PEOPLE),
    ("POST", "/admin/people/{login}/{deed}"): doing(Deed.MANAGE_PEOPLE),
    ("GET", "/admin/inspectors"): doing(Deed.READ_AUDIT),
    ("GET", "/admin/inspectors/{what}"): doing(Deed.REGISTER_INSPECTOR),
    ("POST", "/admin/inspectors/{what}"): doing(Deed.REGISTER_INSPECTOR),
    ("POST", "/admin/inspectors/dismiss"): doing(Deed.REGISTER_INSPECTOR),
    ("GET", "/admin/campaigns/new"): doing(Deed.CREATE_CAMPAIGN),
    ("POST", "/admin/campaigns/new"): doing(Deed.CREATE_CAMPAIGN),
    ("GET", "/admin/campaigns/{code}"): doing(Deed.CHANGE_CAMPAIGN),
    ("POST", "/admin/campaigns/{code}"): doing(Deed.CHANGE_CAMPAIGN),
    ("GET", "/admin/checklists"): SIGNED_IN,
    ("GET", "/admin/checklists/{code}"): SIGNED_IN,
    ("GET", "/admin/import/{kind}"): doing(Deed.IMPORT_CHECKLIST),
    ("POST", "/admin/import/{kind}"): doing(Deed.IMPORT_CHECKLIST),
    ("GET", "/admin/ladders"): doing(Deed.SET_LADDERS),
    ("GET", "/admin/ladders/{matter}"): doing(Deed.SET_LADDERS),
    ("POST", "/admin/ladders/{matter}"): doing(Deed.SET_LADDERS),
    ("GET", "/admin/calendars"): doing(Deed.READ_AUDIT),
    ("POST", "/admin/calendars/preview"): doing(Deed.IMPORT_CALENDAR),
    ("POST", "/admin/calendars"): doing(Deed.IMPORT_CALENDAR),
    ("GET", "/campaigns/{code}/rotas"): SIGNED_IN,
    ("POST", "/campaigns/{code}/rotas"): doing(Deed.PLAN_ROTA),
    ("POST", "/campaigns/{code}/rotas/{id}"): doing(Deed.PLAN_ROTA),
    ("GET", "/inbox"): SIGNED_IN,
    ("POST", "/inbox"): SIGNED_IN,
    ("GET", "/inbox/{id}"): SIGNED_IN,
    ("POST", "/inbox/{id}"): SIGNED_IN,
    ("POST", "/tickets/{number}/seen"): SIGNED_IN,
    ("GET", "/tickets/{number}/notices"): SIGNED_IN,
    ("GET", "/tickets/{number}/receipt"): SIGNED_IN,
    ("GET", "/outlets"): SIGNED_IN,
    ("POST", "/outlets/{id}/{event}"): doing(Deed.MANAGE_OUTLET),
    ("GET", "/absences"): SIGNED_IN,
    ("GET", "/absences/new"): SIGNED_IN,
    ("POST", "/absences/new"): SIGNED_IN,
    ("POST", "/absences/{id}/end"): SIGNED_IN,
    # The shell of the app: the same for everybody, and needed before anybody has signed in.
    ("GET", "/manifest.webmanifest"): ANYBODY,
    ("GET", "/service-worker.js"): ANYBODY,
    ("GET", "/offline"): ANYBODY,
    ("GET", "/field"): SIGNED_IN,
    ("GET", "/field/session"): SIGNED_IN,
    ("GET", "/field/day"): SIGNED_IN,
    ("POST", "/field/findings"): SIGNED_IN,
    ("GET", "/field/tool"): SIGNED_IN,
    ("POST", "/field/tool-tests"): doing(Deed.TEST_TOOL),
    ("GET", "/field/quantity"): SIGNED_IN,
    ("POST", "/field/quantity"): doing(Deed.RECORD_QUANTITIES),
    ("POST", "/field/quantities"): doing(Deed.RECORD_QUANTITIES),
    ("GET", "/field/files/{sha256}"): SIGNED_IN,
    ("PUT", "/field/files/{sha256}"): SIGNED_IN,
    # What others saved on their phones, taken in by their supervisor; the command asks for the role at their unit.
    ("GET", "/field/import"): holding(Role.SUPERVISOR),
    ("POST", "/field/import"): holding(Role.SUPERVISOR),
    ("GET", "/field/drafts"): SIGNED_IN,
    ("PUT", "/field/drafts/{id}"): SIGNED_IN,
    ("DELETE", "/field/drafts/{id}"): SIGNED_IN,
    ("POST", "/field/acts"): BY_CHART,
    ("PUT", "/field/inspections/{id}/answers"): BY_CHART,
    ("POST", "/field/inspections/{id}/signature"): BY_CHART,
}

ACCESS: dict[tuple[str, str], Rule] = _CALLS | {key: replace(rule, page=True) for key, rule in _PAGES.items()}
