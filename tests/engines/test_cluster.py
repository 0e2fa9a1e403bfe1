"""The session: two executors, nothing left behind, and a sentence when something is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ledger.errors import Misuse
from replay.engines import cluster

PATIENCE = 120  # seconds


def tasks_by_executor(spark: SparkSession) -> dict[str, int]:
    """How many tasks each executor has finished, as the cluster itself counts them."""
    found = spark.sparkContext._jsc.sc().statusStore().executorList(True)
    every = [found.apply(i) for i in range(found.size())]
    return {one.id(): one.completedTasks() for one in every if one.id() != "driver"}


def test_two_executors_share_the_work(spark: SparkSession) -> None:
    """A query of several tasks is worked on by both, each a process of its own. Asked again while
    one is still busy beginning, or not all that was done is counted yet."""
    before, deadline = tasks_by_executor(spark), time.monotonic() + PATIENCE
    while True:
        spark.range(0, 4_000_000, 1, 8).selectExpr("sum(id % 7)").collect()
        after = tasks_by_executor(spark)
        assert len(after) <= 2
        if len([one for one in after if after[one] > before.get(one, 0)]) == 2:
            break
        assert time.monotonic() < deadline, (before, after)


def test_it_speaks_utc_and_strict_sql(spark: SparkSession) -> None:
    """An overflow is an error and a time is UTC, whatever this machine is set to."""
    from pyspark.errors import ArithmeticException

    assert spark.sql("SELECT string(timestamp_micros(0))").first() == ("1970-01-01 00:00:00",)
    with pytest.raises(ArithmeticException):
        spark.sql("SELECT 9223372036854775807 + id FROM range(1, 2)").collect()


def test_a_second_session_is_refused(spark: SparkSession) -> None:
    """One process, one session: settings of a second one would be dropped in silence."""
    with pytest.raises(Misuse, match="open in this process"), cluster.session():
        pass


def test_without_java_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, and how to get it."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Misuse, match=r"no java on PATH.*default-jre-headless"), cluster.session():
        pass


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra by its name."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(Misuse, match=r"pip install 'probant\[spark\]'"), cluster.session():
        pass


def test_java_that_does_not_start_is_a_sentence(tmp_path: Path) -> None:
    """What it said first, and no stack of ours."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho no memory left >&2\nexit 1\n")
    java.chmod(0o755)
    started = """
from ledger.errors import Broken
from replay.engines import cluster
try:
    with cluster.session():
        pass
except Broken as error:
    print(error.speak())
"""
    environment = {**os.environ, "JAVA_HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", started], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "Spark did not start: no memory left\n"
    assert done.stderr == ""
