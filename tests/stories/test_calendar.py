"""Time: what counts as a day in Paris, where a term ends, when the law moves a deadline."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from ledger import calendar as cal

HOUR_US = 3_600_000_000
DATES = st.dates(min_value=date(1912, 1, 1), max_value=date(2200, 12, 31))


def day(found: date) -> int:
    return found.year * 10000 + found.month * 100 + found.day


# --- reading and writing ----------------------------------------------------------------------


def test_an_instant_is_read_with_its_zone_and_written_in_utc():
    at = cal.parse_instant("2018-11-20T11:30:00.5+01:00")
    assert cal.format_instant(at) == "2018-11-20T10:30:00.500000Z"
    assert cal.parse_instant("2018-11-20T10:30:00.500000Z") == at


def test_the_epoch_is_zero_and_time_before_it_is_negative():
    assert cal.parse_instant("1970-01-01T00:00:00Z") == 0
    assert cal.parse_instant("1969-12-31T23:59:59.999999Z") == -1
    assert cal.format_instant(-1) == "1969-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    "text",
    [
        "2018-11-20",  # no time
        "2018-11-20T10:30:00",  # no zone
        "2018-11-20 10:30:00Z",  # a space
        "2018-11-20t10:30:00z",  # small letters
        "2018-11-20T10:30Z",  # no seconds
        "2018-11-20T10:30:60Z",  # the 60th second
        "2018-11-20T24:00:00Z",  # hour 24
        "2018-11-20T10:30:00.1234567Z",  # seven decimals
        "2018-11-20T10:30:00.Z",
        "2018-11-20T10:30:00,5Z",
        "2018-11-20T10:30:00+0100",
        "2018-11-20T10:30:00+24:00",
        "2018-11-20T10:30:00-00:00",  # RFC 3339: the zone is unknown
        "2018-02-30T10:30:00Z",
        "20181120T103000Z",
        "2018-11-20T10:30:00Z\n",
        " 2018-11-20T10:30:00Z",
        "٢٠١٨-11-20T10:30:00Z",  # digits, but not ours
        "0017-11-20T10:30:00Z",
        "9999-12-31T23:59:59Z",
        "",
    ],
)
def test_anything_but_strict_rfc_3339_is_refused(text: str):
    with pytest.raises(ValueError):
        cal.parse_instant(text)


@pytest.mark.parametrize(
    "text", ["2018-02-30", "2018-13-01", "2018-1-1", "20181120", "2018-11-20 ", "1911-12-31", "x"]
)
def test_a_day_that_is_not_in_the_calendar_is_refused(text: str):
    with pytest.raises(ValueError):
        cal.parse_day(text)


@pytest.mark.parametrize("read", [cal.parse_instant, cal.parse_day, cal.parse_moment])
def test_a_refusal_never_repeats_what_was_typed(read):
    with pytest.raises(ValueError, match="example") as caught:
        read("Marie Canari")
    assert "Canari" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(DATES)
def test_a_day_reads_back_as_it_was_written(found: date):
    assert cal.parse_day(cal.format_day(day(found))) == day(found)
    assert cal.format_day(day(found)) == found.isoformat()


@given(st.integers(min_value=-(10**15), max_value=10**17))
def test_an_instant_reads_back_as_it_was_written(at: int):
    assert cal.parse_instant(cal.format_instant(at)) == at


def test_an_integer_that_is_not_a_day_is_refused():
    with pytest.raises(ValueError, match="YYYYMMDD"):
        cal.start_of(20180231)


# --- days in Paris ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2018-11-19T22:59:59.999999Z", 20181119),  # winter: midnight is 23:00 UTC the day before
        ("2018-11-19T23:00:00Z", 20181120),
        ("2018-07-13T21:59:59.999999Z", 20180713),  # summer: 22:00 UTC
        ("2018-07-13T22:00:00Z", 20180714),
        ("2018-12-31T22:59:59Z", 20181231),
        ("2018-12-31T23:00:00Z", 20190101),
        ("2024-02-28T23:00:00Z", 20240229),
    ],
)
def test_a_day_begins_at_midnight_in_paris(at: str, expected: int):
    assert cal.day_of(cal.parse_instant(at)) == expected


@pytest.mark.parametrize(
    ("changing", "hours"), [(20250330, 23), (20251026, 25), (20250331, 24), (20251231, 24)]
)
def test_the_days_the_clocks_change_last_23_and_25_hours(changing: int, hours: int):
    start, end = cal.start_of(changing), cal.end_of(changing)
    assert end + 1 - start == hours * HOUR_US
    assert [cal.day_of(start + hour * HOUR_US) for hour in range(hours)] == [changing] * hours
    assert cal.day_of(start - 1) == cal.add_days(changing, -1)
    assert cal.day_of(end + 1) == cal.add_days(changing, 1)


@given(DATES)
def test_every_instant_of_a_day_falls_in_that_day_and_in_no_other(found: date):
    one = day(found)
    assert cal.start_of(one) % HOUR_US == 0  # what lets day_of cache by hour
    assert cal.day_of(cal.start_of(one)) == cal.day_of(cal.end_of(one)) == one
    assert cal.day_of(cal.start_of(one) - 1) == day(found - timedelta(days=1))


@given(st.integers(min_value=-(10**15), max_value=10**16))
def test_the_day_of_an_instant_agrees_with_the_time_zone_database(at: int):
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(cal.PARIS)
    assert cal.day_of(at) == day(local.date())


def test_a_bare_date_is_a_moment_known_to_the_day_at_its_midnight():
    moment = cal.parse_moment("2018-11-20")
    assert moment == cal.Moment(cal.parse_instant("2018-11-19T23:00:00Z"), "day", 20181120)


def test_a_date_and_time_is_a_moment_known_to_the_instant():
    at = cal.parse_instant("2018-11-20T23:30:00Z")
    assert cal.parse_moment("2018-11-20T23:30:00Z") == cal.Moment(at, "instant", 20181121)


def test_a_question_about_a_date_is_about_the_end_of_that_day():
    assert cal.format_instant(cal.parse_as_of("2018-11-20")) == "2018-11-20T22:59:59.999999Z"
    assert cal.parse_as_of("2018-11-20T10:00:00Z") == cal.parse_instant("2018-11-20T10:00:00Z")


# --- months -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (20180831, 6, 20190228),
        (20230831, 6, 20240229),
        (20240229, 12, 20250228),
        (20240229, 48, 20280229),
        (20240229, 60, 20290228),
        (20181231, 2, 20190228),
        (20181130, 3, 20190228),
        (20181231, 12, 20191231),
        (20181231, 1, 20190131),
        (20190131, -1, 20181231),
        (20190331, -1, 20190228),
        (20180120, 0, 20180120),
        (18991231, 2, 19000228),  # 1900 was not a leap year
        (19991231, 2, 20000229),  # 2000 was
        (19970630, 60, 20020630),
    ],
)
def test_a_term_in_months_ends_on_the_same_date_or_on_the_last_of_the_month(
    start: int, months: int, end: int
):
    assert cal.add_months(start, months) == end


@given(DATES, st.integers(min_value=-600, max_value=1200))
def test_adding_months_agrees_with_dateutil(found: date, months: int):
    assert cal.add_months(day(found), months) == day(found + relativedelta(months=months))


@given(DATES, DATES, st.integers(min_value=0, max_value=240))
def test_a_later_start_never_ends_earlier(one: date, other: date, months: int):
    first, last = sorted((day(one), day(other)))
    assert cal.add_months(first, months) <= cal.add_months(last, months)


@given(DATES, st.integers(min_value=-5000, max_value=5000))
def test_adding_days_agrees_with_the_standard_library(found: date, days: int):
    assert cal.add_days(day(found), days) == day(found + timedelta(days=days))


def test_a_term_is_over_only_from_the_day_after():
    assert not cal.is_past(20020630, 20020629)
    assert not cal.is_past(20020630, 20020630)
    assert cal.is_past(20020630, 20020701)


# --- deadlines of the law -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        (20240305, 1, 20240405),  # a Friday
        (20180831, 1, 20181001),  # 30 September 2018 is a Sunday
        (20210831, 1, 20210930),  # a Thursday
        (20230831, 1, 20231002),  # 30 September 2023 is a Saturday
        (20240131, 1, 20240229),
        (20180401, 1, 20180502),  # Labour Day
        (20231201, 1, 20240102),  # New Year's Day
        (20240310, 1, 20240410),
        (20180320, 1, 20180420),
        (20240221, 1, 20240321),
        (20241125, 1, 20241226),  # Christmas; 26 December is a working day here
        (20240301, 1, 20240402),  # Easter Monday
        (20180320, 3, 20180620),
    ],
)
def test_a_request_is_due_after_a_month_moved_to_a_working_day(
    received: int, months: int, due: int
):
    assert cal.request_due(received, months) == due


def test_france_has_eleven_public_holidays():
    assert cal.french_holidays(2026) == {
        *(20260101, 20260406, 20260501, 20260508, 20260514, 20260525),
        *(20260714, 20260815, 20261101, 20261111, 20261225),
    }


def test_the_system_clock_tells_microseconds_and_does_not_run_backwards():
    clock: cal.Clock = cal.SystemClock()
    first = clock.now()
    assert cal.day_of(first) > 20250101
    assert clock.now() >= first
