"""How commands fail: one sentence, an exit code that can be trusted, and nothing that was typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Probant, Said

CANARY = "zoe.canari@example.org"
ROOT = Path(__file__).resolve().parents[2]

WRONG = {
    "unknown command": [CANARY],
    "unknown option": [f"--{CANARY}"],
    "unknown option of a command": ["replay", f"--{CANARY}"],
    "too many words": ["show", "a", CANARY],
    "subject": ["show", CANARY],
    "reference": ["show", "--reference", f"shop={CANARY}"],
    "kind of reference": ["show", "--reference", f"{CANARY}=1"],
    "both": ["show", CANARY, "--reference", f"shop={CANARY}"],
    "as of": ["replay", "--as-of", CANARY],
    "known at": ["show", "--reference", "shop=1", "--known-at", CANARY],
    "class": ["show", "--reference", "shop=C-0007", "--class", CANARY],
    "past": ["replay", "--past", CANARY],
    "limit": ["replay", "--limit", CANARY],
    "engine": ["replay", "--engine", CANARY],
    "edition": ["policy", "show", "--edition", CANARY],
    "language": ["replay", "--lang", CANARY],
    "url": ["replay", "--url", CANARY],
    "map": ["import", "x.csv", "--map", CANARY],
    "map missing": ["import", CANARY],
    "host": ["serve", "--host", CANARY],
    "port": ["serve", "--port", CANARY],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_what_was_typed_is_never_repeated(probant: Probant, arguments: list[str]) -> None:
    """It may be somebody's name; the sentence names the option instead."""
    probant.filled(people=8)
    plain, as_json = probant(*arguments), probant(*arguments, "--json")
    for said in (plain, as_json):
        assert said.code == 2
        assert CANARY not in said.out + said.err
        assert "Traceback" not in said.out + said.err
    error = json.loads(as_json.out)["error"]
    assert error["code"] in ("misuse", "not-found")
    assert error["detail"]


def test_a_day_of_a_year_beyond_reckoning_is_told_so(probant: Probant) -> None:
    """9999-12-31 is a day, and is not told to be none; the last day that is taken is answered."""
    probant("init")
    said = probant("replay", "--as-of", "9999-12-31")
    assert said == Said(
        2, "", "probant: --as-of: Only dates of the years 1912 to 8999 are accepted.\n"
    )
    assert probant.json("replay", "--as-of", "8999-12-31")["day"] == "8999-12-31"


def test_without_a_ledger_the_way_to_one_is_said(probant: Probant) -> None:
    """Every command that needs one."""
    for arguments in (["replay"], ["verify"], ["rebuild"], ["serve"], ["policy", "show"]):
        said = probant(*arguments)
        assert said.code == 2
        assert "probant init" in said.err


def test_an_unexpected_failure_shows_no_trace_and_no_value(
    probant: Probant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text may hold what was submitted: only the name of its class is said."""
    probant.filled(people=8)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("api.answers.population_answer", fail)
    said = probant("replay")
    assert said.code == 4
    assert said.err == "probant: unexpected failure (RuntimeError); nothing more was done\n"


def test_an_interruption_is_one_clean_sentence(
    probant: Probant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C during something long."""
    probant.filled(people=8)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("api.answers.population_answer", interrupt)
    said = probant("replay")
    assert (said.code, said.out) == (130, "")
    assert said.err.startswith("probant: interrupted")


def test_interrupted_before_it_can_speak_it_says_nothing() -> None:
    """The command line takes a moment to come, and Ctrl-C does not wait for it."""
    code = (
        "import sys, types; from api import starting\n"
        "def interrupt(name): raise KeyboardInterrupt\n"
        "sys.modules['api.cli'] = types.ModuleType('api.cli')\n"
        "sys.modules['api.cli'].__getattr__ = interrupt\n"
        "starting.main()"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_stop_it_says_what_is_kept_and_ends_by_that_signal(
    probant: Probant, sign: signal.Signals
) -> None:
    """By a supervisor, or by the terminal that is gone: what it holds is put away first."""
    probant("init")
    code = (  # as a shell begins it, though we may have been begun by `nohup`
        "import os, signal; from api import answers, cli;"
        f"signal.signal({int(sign)}, signal.SIG_DFL);"
        f"answers.population_answer = lambda *_, **__: os.kill(os.getpid(), {int(sign)});"
        "cli.main()"
    )
    command = [sys.executable, "-c", code, "--home", str(probant.home), "--lang", "en", "replay"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-sign, "")
    assert done.stderr == "probant: interrupted; what was acknowledged is kept\n"


def test_a_damaged_keyring_is_our_failure(probant: Probant) -> None:
    """Exit code 4, and no more than its place."""
    probant.filled(people=8)
    (probant.home / "keyring.json").write_text("{")
    assert probant("replay").code == 4


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    """Half a second is the aim; what costs more is loaded by the command that needs it."""
    program = (
        "import sys, api.cli; api.cli.run(['--help']);"
        "heavy = {'sqlalchemy', 'eventsourcing', 'fastapi', 'uvicorn', 'babel', 'cryptography'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "replay" in done.stdout


def test_a_reader_who_has_enough_is_no_failure(probant: Probant) -> None:
    """`probant policy show | head -1`."""
    probant.filled(people=8)
    command = f"{sys.executable} -m api.cli --home {probant.home} policy show | head -1"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def shell(probant: Probant, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`probant` in a shell of its own."""
    program = f"{sys.executable} -m api.cli --home {probant.home}"
    return subprocess.run(
        ["/bin/sh", "-c", command.replace("probant", program)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_whoever_closed_what_we_write_to_is_told_by_the_code_alone(probant: Probant) -> None:
    """`probant verify >&-`, as a task of the night may have it."""
    probant.filled(people=8)
    for command, code in (("probant replay", 0), ("probant replay --json", 0), ("probant no", 2)):
        done = shell(probant, f"{command} >&- 2>&-")
        assert (done.returncode, done.stdout, done.stderr) == (code, "", ""), command
        done = shell(probant, f"{command} >&-")
        assert "Traceback" not in done.stderr and done.returncode == code


def test_a_sign_that_the_terminal_has_not_is_no_failure(probant: Probant) -> None:
    """Whatever its encoding; what a program reads says the same in all of them."""
    probant.filled(people=8)
    said: dict[str, object] = {}
    for encoding in ("ascii", "utf-8"):
        plain = shell(probant, "probant replay --lang fr", PYTHONIOENCODING=encoding)
        assert plain.returncode == 0, plain.stderr
        as_json = shell(probant, "probant policy show --json", PYTHONIOENCODING=encoding)
        said[encoding] = json.loads(as_json.stdout)
    assert said["ascii"] == said["utf-8"]
    assert "é" in json.dumps(said["utf-8"], ensure_ascii=False)


def test_what_went_wrong_is_said_in_french_to_whoever_speaks_it(
    probant: Probant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By --lang, before or after the command, or by PROBANT_LANG; the exit code stays."""
    french = "probant: nommez une personne : un SUBJECT, ou --reference KIND=VALUE\n"
    english = "probant: name one person: a SUBJECT, or --reference KIND=VALUE\n"
    probant("init")
    assert probant("show") == Said(2, "", english)
    assert probant("show", "--lang", "fr") == Said(2, "", french)
    assert probant("--lang=fr", "show") == Said(2, "", french)
    monkeypatch.setenv("PROBANT_LANG", "fr")
    assert probant("show") == Said(2, "", french)
    assert probant("show", "--lang", "en") == Said(2, "", english)
    assert probant.json("show", code=2)["error"]["code"] == "misuse"
    unknown = "probant: cette commande n'existe pas ; voir `probant --help`\n"
    assert probant("nowhere") == Said(2, "", unknown)
    assert probant("show", "--lang", CANARY).err == "probant: la langue doit être fr ou en\n"
    monkeypatch.setenv("PROBANT_LANG", CANARY)
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert probant("show").err == "probant: the language must be fr or en\n"
