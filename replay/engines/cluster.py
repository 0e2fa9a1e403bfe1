"""A Spark session, started and ended cleanly: on a cluster, on this machine, or as two executors.

`session` gives a session that is quiet, speaks UTC and ANSI SQL, and leaves nothing behind: its
scratch folder, its Java process and its executors go when the block ends. It needs the extra
(`pip install 'probant[spark]'`) and a Java runtime; without them it says so in a sentence.

On this machine (`local…`, `local-cluster…`) everything listens on loopback only and the web pages
of Spark are off. On a cluster its own settings decide: those of `SPARK_HOME/conf`, or of the
`spark-submit` that started us. What this file never does: read a segment. Read next: `spark.py`.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ledger.errors import Broken, Misuse

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

THIS_MACHINE = "local[*]"
"""The master when none is named: the cores of this machine, in one process."""
TWO_EXECUTORS = "local-cluster[2,1,1024]"
"""A cluster on one machine: two workers of one core and 1024 MiB, each a process of its own."""

EVERYWHERE = {
    "spark.app.name": "probant replay",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, never a wrong number
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.showConsoleProgress": "false",
}
ON_THIS_MACHINE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
    # Two hundred partitions suit a cluster; a few cores would only wait for as many small tasks.
    "spark.sql.shuffle.partitions": "4",
}
_STOP_SECONDS = 120
_REASON_MAX = 300
_CAUSES_MAX = 10


@contextmanager
def session(
    master: str | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[SparkSession]:
    """A session on `master` (None: what `spark-submit` chose, else the cores of this machine).

    `settings` are Spark's own and win over ours. Raises Misuse when the extra or Java is missing, a
    session is open already or `spark-submit` is told too late, Broken when Spark does not start.
    """
    _require_spark()
    from pyspark import SparkConf, SparkContext

    if SparkContext._active_spark_context is not None:
        raise Misuse("a Spark session is open in this process already; use that one")
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if submitted and (master is not None or settings):
        raise Misuse("spark-submit has chosen master and memory already: give them to it")
    scratch = Path(tempfile.mkdtemp(prefix="probant-spark-"))
    try:
        conf = SparkConf(loadDefaults=False)
        for name, value in _settings(master, submitted, scratch, settings or {}).items():
            conf.set(name, value)
        with (scratch / "spark.log").open("w+b") as log, _gateway(master, conf, scratch, log):
            yield from _session(conf)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def heaps(size: str | None) -> dict[str, str]:
    """The settings that give the driver and each executor so much memory, written as '4GB'. Raises
    Misuse."""
    if size is None:
        return {}
    found = re.fullmatch(r"([1-9][0-9]*)\s*([kmgt])i?b?", size.strip().lower())
    if found is None:
        raise Misuse("the memory is written as a size, for example 512MB or 4GB")
    heap = "".join(found.groups())
    return {"spark.driver.memory": heap, "spark.executor.memory": heap}


def _require_spark() -> None:
    try:
        import pyspark  # noqa: F401
        import sqlglot  # noqa: F401
    except ImportError:
        raise Misuse(
            "the engine spark needs an extra that is not installed: pip install 'probant[spark]'"
        ) from None
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home) / "bin") if home else None) is None:
        where = "in JAVA_HOME" if home else "on PATH"
        raise Misuse(
            f"the engine spark needs Java 17 or newer, and there is no java {where}"
            " (on Debian: apt-get install default-jre-headless)"
        )


def _own_path() -> str:
    """Where executors of this machine find this very Probant, installed or not."""
    before = os.environ.get("PYTHONPATH")
    own = str(Path(__file__).resolve().parents[2])
    return own if not before else os.pathsep.join((own, before))


def _is_local(master: str | None) -> bool:
    return master is None or master.startswith("local")


def _settings(
    master: str | None, submitted: bool, scratch: Path, settings: Mapping[str, str]
) -> dict[str, str]:
    """All settings; under `spark-submit` those of the machine are its business."""
    ours = dict(EVERYWHERE)
    if not submitted:
        ours["spark.master"] = master or THIS_MACHINE
        if _is_local(master):
            ours |= ON_THIS_MACHINE
            ours["spark.local.dir"] = str(scratch / "local")
            ours["spark.sql.warehouse.dir"] = (scratch / "warehouse").as_uri()
            ours["spark.executorEnv.PYTHONPATH"] = _own_path()
    return {**ours, **settings}


@contextmanager
def _gateway(master: str | None, conf: SparkConf, scratch: Path, log: IO[bytes]) -> Iterator[None]:
    """Spark's Java process, its output in `log`; ended when the block ends.

    Under `spark-submit` it runs already, and outlives us.
    """
    from pyspark import SparkContext, java_gateway
    from pyspark.errors import PySparkException

    if "PYSPARK_GATEWAY_PORT" in os.environ:
        yield
        return
    launch: Any = java_gateway.launch_gateway
    with _environment(master, scratch):
        try:
            gateway = launch(conf, popen_kwargs={"stdout": log, "stderr": log})
        except (PySparkException, OSError) as error:
            raise Broken(f"Spark did not start: {_first_line(log) or reason_of(error)}") from None
    SparkContext._gateway, SparkContext._jvm = gateway, gateway.jvm
    try:
        yield
    finally:
        SparkContext._gateway = SparkContext._jvm = None
        gateway.shutdown()
        gateway.proc.stdin.close()  # the Java process ends when nobody can speak to it
        gateway.proc.wait(_STOP_SECONDS)


@contextmanager
def _environment(master: str | None, scratch: Path) -> Iterator[None]:
    """What the Java process finds in its environment; ours is as it was afterwards.

    Workers of a `local-cluster` write beside the installed library unless SPARK_HOME says
    otherwise: theirs is a folder of ours with links to it.
    """
    changed = {}
    if _is_local(master):
        changed["SPARK_LOCAL_IP"] = "127.0.0.1"
    if master is not None and master.startswith("local-cluster"):
        changed["SPARK_HOME"] = str(_linked_home(scratch / "home"))
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _linked_home(home: Path) -> Path:
    from pyspark.find_spark_home import _find_spark_home

    installed = Path(_find_spark_home())
    home.mkdir()
    for part in ("bin", "jars", "conf"):
        if (installed / part).exists():
            (home / part).symlink_to(installed / part)
    return home


def _session(conf: SparkConf) -> Iterator[SparkSession]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    # It would tell every failure twice, whole queries and stacks included.
    logging.getLogger("SQLQueryContextLogger").disabled = True
    try:
        spark = SparkSession.builder.config(conf=conf).getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise Broken(f"Spark did not start: {reason_of(error)}") from None
    if _is_local(spark.sparkContext.master) and "PYSPARK_PYTHON" not in os.environ:
        spark.sparkContext.pythonExec = sys.executable  # else whichever is first on PATH
    try:
        yield spark
    finally:
        spark.stop()


def _first_line(log: IO[bytes]) -> str:
    """The first thing that Java complained of: what follows is its start script's echo."""
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").split("\n")
    told = (line.strip() for line in lines if not line.startswith("WARNING:"))
    return next((line[:_REASON_MAX] for line in told if line), "")


def reason_of(error: Exception) -> str:
    """The first line of what Spark said: of its error, or of what caused that, the first that has
    one of Spark's own conditions."""
    java = getattr(error, "java_exception", None)
    texts = [str(error)]
    with suppress(Exception):  # the process may be gone, and with it what it said
        while java is not None and len(texts) < _CAUSES_MAX:
            texts.append(str(java.toString()))
            java = java.getCause()
    lines = [text.strip().partition("\n")[0][:_REASON_MAX] for text in texts]
    return next((line for line in lines if "[" in line), lines[min(1, len(lines) - 1)])
