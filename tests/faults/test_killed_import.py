"""SIGKILL during an import: restart ends with exactly the same figures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from ledger.importing import import_file, load_map
from ledger.opening import create, open_ledger
from ledger.store import rebuild, tables
from tests.importing.shop import small_shop

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from pathlib import Path
from ledger.importing import import_file, job, load_map
from ledger.opening import open_ledger
url, keyring, file, mapping, seen = sys.argv[1:]
job.CHUNK = 200
ledger = open_ledger(url, Path(keyring))
with open(seen, "a") as said:
    def progress(done, total, lines):
        said.write(f"{lines}\\n")
        said.flush()
    import_file(ledger, Path(file), load_map(Path(mapping)), progress=progress)
"""


@pytest.mark.parametrize("kind", ["sqlite-file", "postgres"])
def test_a_killed_import_is_completed_by_running_it_again(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Killed several times at different moments; then the figures are those of one clean run."""
    shop = small_shop(tmp_path, 6000)
    url = (
        f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        if kind == "sqlite-file"
        else request.getfixturevalue("postgres_schema_url")
    )
    keyring, seen = tmp_path / "keyring.json", tmp_path / "seen"
    create(url, keyring).close()
    arguments = [url, str(keyring), str(shop.file), str(shop.mapping), str(seen)]
    chance, killed = Random(11), 0
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], cwd=ROOT)
        chunks = seen.read_text().count("\n") if seen.exists() else 0
        enough = chunks + chance.randrange(1, 7)  # the chunk before the last one seen is committed
        while process.poll() is None:
            now = seen.read_text().count("\n") if seen.exists() else 0
            if now > enough:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
                break
            time.sleep(0.002)
        process.wait()
    assert killed >= 3, "the import was too quick to be killed"
    with open_ledger(url, keyring) as ledger:
        before = ledger.recorder.head().position
        report = import_file(ledger, shop.file, load_map(shop.mapping))
        people = len({line.split(",")[0] for line in shop.lines})
        assert report.already + report.recorded.get("order.placed.v1", 0) == 6000
        assert ledger.recorder.head().position == 1 + 6000 + people > before > 1
        with ledger.database.read() as connection:
            events = tables.events.c
            assert connection.scalar(sa.select(sa.func.max(events.position))) == 6001 + people
            assert connection.scalar(sa.select(sa.func.count()).select_from(tables.events)) == (
                6001 + people
            )
        assert list(rebuild.differences(ledger.database)) == []
        assert import_file(ledger, shop.file, load_map(shop.mapping)).already == 6000
