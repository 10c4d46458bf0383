from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session
from forms.errors import PageRoute
from forms.pages import page
from statemachines.roles import Actor
router = APIRouter(route_class=PageRoute)
def status_page(request: Request, session: Session, code: str, *, actor: Actor) -> Response:
    return page(request, "error.html", code=0, heading="x", advice="y")
