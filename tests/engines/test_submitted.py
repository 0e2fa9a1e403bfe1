"""The script of `docs/spark.md`, handed to `spark-submit` under the name that the page gives it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from tests.cli.conftest import Probant

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ("    not as they should be:", "    keys that signed it:")
PAGE = (ROOT / "docs/spark.md").read_text("utf-8")


def test_the_documented_script_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name hides no package of ours, its answers are those of DuckDB and alone on stdout: what
    is counted, and what executors ask of whole people."""
    probant = Probant(tmp_path / "home", None, capsys.readouterr).filled(9)
    folder = tmp_path / "segments"
    assert probant("seal").code == 0
    assert probant("segments", "export", str(folder)).code == 0
    name = re.search(r"^where `([^`]+)`", PAGE, re.MULTILINE)
    script = re.search(r"```python\n(import sys\n.*?)```", PAGE, re.DOTALL)
    assert name is not None and script is not None
    asked = re.findall(rf"^  {re.escape(name[1])} (.*)$", PAGE, re.MULTILINE)
    assert len(asked) == 2  # as it is submitted
    file = tmp_path / "scripts" / name[1]
    file.parent.mkdir()
    file.write_text(script[1])
    submit = Path(pyspark.__file__).parent / "bin/spark-submit"
    small = ("--driver-memory", "512m", "--conf", "spark.sql.shuffle.partitions=2")
    quiet = ("--conf", "spark.ui.enabled=false", "--conf", "spark.driver.bindAddress=127.0.0.1")
    for command in asked:
        there = command.replace("hdfs:///probant/segments", folder.as_uri()).split()
        done = subprocess.run(
            [str(submit), "--master", "local[2]", *small, *quiet, str(file), *there],
            env={
                **os.environ,
                **{"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable},
                **{"SPARK_LOCAL_IP": "127.0.0.1", "PROBANT_LANG": "en"},
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        here = command.replace("hdfs:///probant/segments", str(folder)).replace("spark", "duck")
        said = probant(*here.split(), "--lang", "en")
        assert said.code == 0
        assert told(done.stdout) == told(said.out.replace("engine: duck", "engine: spark"))


def told(out: str) -> list[str]:
    """Its lines but for what the checks of a folder on this very machine add (Q12)."""
    return [line for line in out.splitlines() if not line.startswith(FOLDER)]
