"""Calendar months in SQL: one integer formula for every database, `calendar.add_months` in text.

The engines' own intervals disagree (SQLite 3.40 makes 2025-08-31 + 6 months 2026-03-03), so none is
used. Days are integers YYYYMMDD; the store's databases and the engines of replay share it.
"""

from __future__ import annotations


def add_months_sql(day: str, months: str, *, divided: str = "/") -> str:
    """SQL for the same date `months` later, or that month's last day if it is shorter.

    `day` and `months` are column names or other short expressions: they are repeated. `divided` is
    the division that truncates between integers: `/` in SQLite and PostgreSQL, `//` in DuckDB.
    """
    count = f"({day} {divided} 10000 * 12 + {day} {divided} 100 % 100 - 1 + {months})"
    year, month, date = f"({count} {divided} 12)", f"({count} % 12)", f"({day} % 100)"
    leap = f"{year} % 4 = 0 AND ({year} % 100 <> 0 OR {year} % 400 = 0)"
    clamped = (
        f"CASE WHEN {date} < 29 THEN {date}"
        f" WHEN {month} = 1 THEN CASE WHEN {leap} THEN 29 ELSE 28 END"
        f" WHEN {date} = 31 AND {month} IN (3, 5, 8, 10) THEN 30"
        f" ELSE {date} END"
    )
    return f"({year} * 10000 + ({month} + 1) * 100 + {clamped})"
