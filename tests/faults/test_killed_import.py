"""SIGKILL during an import: restart ends with exactly the same figures."""

from __future__ import annotations

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
from threading import Event
from ledger.importing import import_file, job, load_map
from ledger.opening import open_ledger
url, keyring, file, mapping, seen, enough = sys.argv[1:]
job.CHUNK = 200
ledger = open_ledger(url, Path(keyring))
with open(seen, "a") as said:
    def progress(done, total, lines, chunks=[]):
        chunks.append(lines)
        said.write(f"{lines}\\n")
        said.flush()
        if len(chunks) > int(enough) + 1:
            Event().wait()  # whoever is slow to kill us does so here
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
    seen.touch()
    arguments = [url, str(keyring), str(shop.file), str(shop.mapping), str(seen)]
    chance = Random(11)
    for _ in range(5):
        # The chunk before the last one seen is committed.
        before, enough = seen.read_text().count("\n"), chance.randrange(1, 7)
        command = [sys.executable, "-c", SCRIPT, *arguments, str(enough)]
        process = subprocess.Popen(command, cwd=ROOT)
        while seen.read_text().count("\n") <= before + enough:
            assert process.poll() is None
            time.sleep(0.002)
        process.kill()
        assert process.wait() == -signal.SIGKILL
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
