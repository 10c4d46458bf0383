"""What the OpenAPI document says beside the code: problems of each call, the bearer scheme, examples."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import CONTENT, Problem

#: What each status means in this API.
MEANINGS = {
    304: "The caller has the present version.",
    400: "The body is not JSON.",
    401: "No valid token.",
    403: "This person may not do this.",
    404: "No such record, or none this caller may see.",
    409: "Not possible in the present state, or changed by somebody else.",
    412: "If-Match names another version.",
    413: "The body is too large.",
    422: "A fact is missing or wrong; `errors` names field and rule.",
    503: "Not ready; `reasons` says why.",
}

Responses = dict[int | str, dict[str, Any]]


def answers(*statuses: int, **extra: dict[str, Any]) -> Responses:
    """The problem responses of a call for a route's `responses`, always with 401 and 422."""
    told: Responses = {304: {"description": MEANINGS[304]}} if 304 in statuses else {}
    for status in sorted({401, 422, *statuses} - {304}):
        told[status] = {"description": MEANINGS[status], "content": CONTENT}
    return told


#: A call that reads one record; a list; a call that creates; a call that changes a record.
READ = answers(304, 404)
LIST = answers(304)
CREATE = answers(400, 403, 404, 409, 413)
CHANGE = answers(400, 403, 404, 409, 412, 413)


def document(app: FastAPI) -> None:
    """Complete the application's OpenAPI document: problem schema, bearer scheme, security of each call."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            app.openapi_schema = _completed(schema)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema.setdefault("components", {})
    problem = Problem.model_json_schema(
        ref_template="#/components/schemas/{model}", mode="serialization", by_alias=True
    )
    schemas = components.setdefault("schemas", {})
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, calls in schema["paths"].items():
        for call in calls.values():
            if path.startswith("/api/"):
                call["security"] = [{"token": []}]
    return schema
