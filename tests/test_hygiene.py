"""What the repository must look like: no private paths, no leftovers, whole decision pages."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
DECISIONS = ROOT / "docs" / "decisions"
HEADINGS = ("Question", "Choice", "Refused", "Why")
LOCKS = ("requirements.lock", "requirements-dev.lock")

# Written in two halves, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a path of somebody's machine": re.compile(
        r"(?<![\w./-])/(?:ro" r"ot(?![\w-])|(?:ho" r"me|Us" r"ers|wo" r"rk|workspace)/\w)"
    ),
    "a leftover (make it an issue, or do it)": re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b"),
}


def committed() -> list[Path]:
    """The files git knows or would take, ignored ones left out; all where there is no git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        kept = {".ci", ".editorconfig", ".gitignore"}
        names = [str(path) for path in paths if path.parts[0][0] != "." or path.parts[0] in kept]
    else:
        names = [name for name in listed.stdout.split("\0") if name]
    return [ROOT / name for name in sorted(set(names)) if (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """The text of a file; '' when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def leftovers(text: str) -> list[str]:
    """Each forbidden thing in a text, with its line number."""
    return [
        f"{number}: {what}: {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(line)
    ]


def test_no_file_holds_a_private_path_or_a_leftover() -> None:
    """What is committed reads the same on anybody's machine."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in committed()
        for line in leftovers(text_of(path))
    ]
    if found:
        pytest.fail("\n" + "\n".join(found), pytrace=False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cd /ro" + "ot/x", 1),
        ("'/ho" + "me/ann/x'", 1),
        ("# TO" + "DO later", 1),
        ("https://example.org/ho" + "me/page", 0),
        ("the root of the tree, /healthz", 0),
    ],
)
def test_the_search_finds_what_it_should(text: str, found: int) -> None:
    """The guard itself is tried on small wrong and right lines."""
    assert len(leftovers(text)) == found


def test_every_decision_page_has_its_four_headings() -> None:
    """Question, Choice, Refused, Why: a page without its refused options is an announcement."""
    lacking = []
    for page in sorted(DECISIONS.glob("*.md")):
        if page.name == "README.md":
            continue
        text = page.read_text(encoding="utf-8")
        for heading in HEADINGS:
            if not re.search(rf"^#+ {heading}\s*$", text, re.MULTILINE):
                lacking.append(f"{page.relative_to(ROOT)}: no heading {heading!r}")
    assert lacking == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_by_hash_and_names_no_host(lock: str) -> None:
    """Every package is pinned with a hash; nothing says where it was downloaded from."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash=sha256:)", text, re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, f"{lock}: no hash for {entry.splitlines()[0]}"


def pins(lock: str) -> dict[str, str]:
    """Name -> version of a lock file."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def test_the_locks_answer_what_the_project_asks_for() -> None:
    """After a change in pyproject.toml somebody ran `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = {LOCKS[0]: project["dependencies"], LOCKS[1]: [*project["dependencies"], *extras]}
    stale = []
    for lock, lines in wanted.items():
        pinned = pins(lock)
        for requirement in map(Requirement, lines):
            version = pinned.get(canonicalize_name(requirement.name))
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                stale.append(f"{lock}: {requirement} is answered by {version}")
    assert stale == [], "run: make lock"
