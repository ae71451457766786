"""What the API says of itself holds under whatever is sent to it: no answer is a crash, and each is as its document says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from dashboard.app import Parts, create_app, found_pages
from dashboard.core.clock import SteppedClock
from dashboard.web.shell import layout
from tests.web.stage import AllIn, a_page
from tests.whole_city import NOON, Town, copy_of_town

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW = hypothesis.settings(
    max_examples=10,
    derandomize=True,  # the same questions every time
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = copy_of_town(tmp_path_factory.mktemp("town"))
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def app(town: Town) -> Any:
    """The whole product, for somebody who may do everything."""
    doorman = AllIn()
    parts = Parts(
        settings=town.settings,
        catalog=town.catalog,
        engine=town.engine,
        panels=town.panels,
        layout=lambda: layout(town.catalog, town.settings),
        pages=found_pages(),
        clock=SteppedClock(NOON),
        doorman=doorman,
    )
    whole = create_app(parts)

    async def standing(scope: Any, receive: Any, send: Any) -> None:
        """It neither starts nor stops: every call would."""
        await (a_page if scope["type"] == "lifespan" else whole)(scope, receive, send)

    return standing


@pytest.fixture(scope="module")
def schema(app: Any) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)


def operations(schema: Any) -> list[Any]:
    return [found.ok() for found in schema.get_all_operations()]


def test_every_operation_of_the_api_is_in_its_document(schema: Any) -> None:
    names = {operation.label for operation in operations(schema)}
    assert {"GET /api/v1/kpis", "GET /api/v1/alerts", "POST /api/v1/alerts/{alert_id}/steps/{event}"} <= names and len(names) >= 9


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=str)
def test_whatever_is_asked_is_answered_as_the_document_says(schema: Any, mode: schemathesis.GenerationMode) -> None:
    """Questions as the document has them, and such as it does not allow."""
    statuses: dict[int, int] = {}
    for operation in operations(schema):

        @FEW
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            answer = case.call()
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            case.validate_response(answer, checks=CHECKS)

        with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # what takes no parameter cannot be asked wrongly
            ask()
    assert sum(statuses.values()) >= 100 and {200, 404} & set(statuses), statuses
