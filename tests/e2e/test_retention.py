"""Legal holds and the report of deletions, while a worker owns the directory."""

import json
import time
from pathlib import Path

import pytest

from tests.e2e.events import event
from tests.e2e.pipeline import pipeline


@pytest.mark.slow
def test_a_hold_reaches_the_tables_and_the_ledger_and_a_report_tells_what_went(kafka: str, tmp_path: Path) -> None:
    with pipeline(tmp_path, kafka, partitions=1) as running:
        running.start()
        running.send("security", event("security", time.time() - 9, service="s", kind="other", tenant="acme"))
        running.wait(lambda: running.value("SELECT count() FROM raw_security") == 1, "the row")

        running.tidewatch("retention", "hold", "--tenant", "acme", "--reason", "case 7")
        held = json.loads(running.tidewatch("retention", "show", "--json").stdout)
        nothing = json.loads(running.tidewatch("retention", "report", "--json").stdout)
        running.tidewatch("retention", "release", "--tenant", "acme", "--reason", "closed")
        again = running.tidewatch("retention", "release", "--tenant", "acme", "--reason", "closed", status=1)
        released = json.loads(running.tidewatch("retention", "show", "--json").stdout)

        assert held["holds"] == [{"tenant": "acme", "table": ""}]
        assert "acme" in held["expires"]["raw_security"]
        assert nothing == {"deleted": []}
        assert released["holds"] == []
        assert "acme" not in released["expires"]["raw_security"]
        assert "there is no hold" in again.stderr
        acts = "SELECT count() FROM evidence FINAL WHERE position(entry, 'legal_hold') > 0"
        running.wait(lambda: running.value(acts) == 2, "the acts in the ledger")
        running.stop()
