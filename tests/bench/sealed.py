"""`python -m tests.bench.sealed`: what sealing costs, on PostgreSQL, and nothing else.

The full append (sealed part and projections, 100 facts a call) while the sealer seals what it
appends, beside the same append alone, in turns; then the processor time of the sealer for a leaf
beside that of the appending process for a fact. The work of the database server is in the first
ratio only. `--rounds N` (3 by default), `--calls N`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from ledger.handlers import record_many
from tests.bench import sealer
from tests.bench.__main__ import _postgres_ledger, _wishes
from tests.postgres import running_postgres


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=40)
    options = parser.parse_args()
    ratios, leaf, fact = [], [], []
    with (
        tempfile.TemporaryDirectory(prefix="probant-bench-") as folder,
        running_postgres() as server,
    ):
        home = Path(folder)
        with _postgres_ledger(server, home) as (ledger, url, _):
            contact, _order = _wishes(ledger)

            def append() -> tuple[float, float]:
                """Seconds by the clock, and of processor time of this process."""
                began, used = time.perf_counter(), time.process_time()
                for _ in range(options.calls):
                    record_many(ledger, [contact() for _ in range(100)])
                return time.perf_counter() - began, time.process_time() - used

            append()  # warm
            for turn in range(options.rounds):
                seconds: dict[bool, float] = {}
                for beside in (False, True) if turn % 2 else (True, False):
                    if beside:
                        with sealer.beside(url, ledger.keyring.origin, home / "log") as costs:
                            seconds[beside], used = append()
                        leaf.append(costs[0].seconds / costs[0].leaves)
                    else:
                        seconds[beside], used = append()
                    fact.append(used / options.calls / 100)
                ratios.append(seconds[True] / seconds[False])
    each, own = statistics.median(leaf), statistics.median(fact)
    print(
        f"append while sealing / append alone, by the clock: {statistics.median(ratios):.2f}"
        f" (aim: 1.25 at most; rounds {', '.join(f'{one:.2f}' for one in ratios)})"
    )
    print(
        f"processor time: {each * 1e6:.0f} us a leaf by the sealer, {own * 1e6:.0f} us a fact by"
        f" the append: {1 + each / own:.2f}"
    )


if __name__ == "__main__":
    main()
