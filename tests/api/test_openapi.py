"""The running desk against its own OpenAPI document: whatever schemathesis makes of it gets an answer that the document describes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.served import LIVE, Desk

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)
CONFIG = """
generation.deterministic = true
generation.database = "none"
generation.allow-x00 = true
{parameters}
"""


def judge(desk: Desk, home: Path, examples: int, **parameters: object) -> None:
    """Run it; ``parameters`` of the path are fixed."""
    fixed = "\n".join(f'"path.{name}" = "{value}"' for name, value in parameters.items())
    (home / "schemathesis.toml").write_text(CONFIG.format(parameters=f"[parameters]\n{fixed}" if fixed else ""))
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(home / "schemathesis.toml"), "--no-color"]
    command += ["run", f"{desk.town.url}/api/openapi.json", "--header", f"Authorization: Bearer {desk.key}"]
    command += ["--phases", "examples,fuzzing", "--max-examples", str(examples), "--seed", "360", "--no-shrink"]
    command += ["--checks", ",".join(CHECKS), "--suppress-health-check", "all", "--continue-on-failure", "--warnings", "off"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr


@pytest.mark.timeout(180)
def test_every_answer_to_a_match_that_exists_is_described(desk: Desk, tmp_path: Path) -> None:
    judge(desk, tmp_path, 12, bookmaker_id=desk.bookmaker, sport="table-tennis", match_id=LIVE, odd_type="full-time")


@pytest.mark.timeout(180)
def test_every_answer_to_whatever_address_is_described(desk: Desk, tmp_path: Path) -> None:
    judge(desk, tmp_path, 4)


def test_the_document_is_whole(desk: Desk) -> None:
    """Each answer that a route can give has a status and a shape; each shape says what its fields are."""
    document: dict[str, Any] = desk.get("/api/openapi.json")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            asks_who_calls = bool(operation["security"])
            assert asks_who_calls == (path not in ("/healthz", "/readyz")), path
            assert not asks_who_calls or {"200", "401", "404", "429", "503"} <= operation["responses"].keys(), path
            for status, response in operation["responses"].items():
                assert status == "304" or response["content"]["application/json"]["schema"], (path, status)
    names = json.dumps(document["components"]["schemas"])
    assert all(one in names for one in ("validForMs", "stateHash", "problems", "feed_value", "requestId"))
    assert 'additionalProperties": true' not in names.replace('"current": {"additionalProperties": true', "")
