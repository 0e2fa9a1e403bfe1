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
PAGE = (ROOT / "docs/spark.md").read_text("utf-8")


def test_the_documented_script_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name hides no package of ours, its answer is that of DuckDB and alone on stdout."""
    probant = Probant(tmp_path / "home", None, capsys.readouterr).filled(9)
    folder = tmp_path / "segments"
    assert probant("seal").code == 0
    assert probant("segments", "export", str(folder)).code == 0
    name = re.search(r"^where `([^`]+)`", PAGE, re.MULTILINE)
    script = re.search(r"```python\n(import sys\n.*?)```", PAGE, re.DOTALL)
    assert name is not None and script is not None
    assert f" {name[1]}\n```" in PAGE  # as it is submitted
    file = tmp_path / "scripts" / name[1]
    file.parent.mkdir()
    file.write_text(script[1].replace("hdfs:///probant/segments", folder.as_uri()))
    submit = Path(pyspark.__file__).parent / "bin/spark-submit"
    small = ("--driver-memory", "512m", "--conf", "spark.sql.shuffle.partitions=2")
    quiet = ("--conf", "spark.ui.enabled=false", "--conf", "spark.driver.bindAddress=127.0.0.1")
    done = subprocess.run(
        [str(submit), "--master", "local[2]", *small, *quiet, str(file)],
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
    said = probant("replay", "--segments", str(folder), "--as-of", "2026-06-30", "--lang", "en")
    assert done.stdout == said.out.replace("engine: duck", "engine: spark")
