"""The OpenAPI description, taken at its word by a fuzzer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from api.serving import Served

EXAMPLES = 8
"""Of each operation; thousands were tried by hand."""


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("fuzzed")) as served:
        served.sees()
        yield served


@pytest.fixture(scope="module")
def headers(fuzzed: Served) -> Iterator[dict[str, str]]:
    """A logged-in manager's."""
    with fuzzed.person() as client:
        yield {
            "cookie": f"sentistream_session={client.cookies['sentistream_session']}",
            "x-csrf-token": client.headers["x-csrf-token"],
            "origin": fuzzed.url,
        }


@pytest.fixture
def description(fuzzed: Served) -> Any:
    schema = schemathesis.openapi.from_dict(fuzzed.app.openapi())
    # what the description cannot say is refused with 400: an end before its beginning, say
    checks = schema.config.checks
    checks.positive_data_acceptance.expected_statuses = ["2xx", "400", "403", "404", "409", "503"]
    return schema


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_is_as_described(case: Any, fuzzed: Served, headers: dict[str, str]) -> None:
    if (case.method, case.path) in (("DELETE", "/api/users/{name}"), ("POST", "/api/me/password")):
        case.path_parameters = {"name": "nobody"} if case.path_parameters else {}
    case.call_and_validate(base_url=fuzzed.url, headers=headers, timeout=20)
