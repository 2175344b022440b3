"""That the page for a bad night is true: the program prints its lines, takes its commands, and has its exit codes."""

from __future__ import annotations

import re
import shlex
from inspect import signature

import click
import pytest

from cwarchive.app.passing import PATIENCE_WITH_HOLDER
from cwarchive.archive.transfer import CLOCK_TOLERANCE
from cwarchive.cli.commands import cwarchive
from cwarchive.cli.stopping import GRACE
from cwarchive.cli.voice import Setting
from cwarchive.config.models import Defaults, Graphite, Limits
from cwarchive.core.gaps import KINDS
from cwarchive.core.money import RAREST, rarest
from cwarchive.core.retention import DAY, HOUR, TIERS
from cwarchive.core.words import span
from cwarchive.edges.aws.cloudwatch import CloudWatch
from tests.bad_night import ONCE, Said, everything_said
from tests.builders import a_spec
from tests.test_examples import ROOT, _commands

PAGE = ROOT / "docs" / "when-things-go-wrong.md"
PARAGRAPHS = ("What happens", "What you see", "What to do")

CODE = re.compile(r"\*\*(\d+)\*\*")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _sections() -> dict[str, str]:
    """The text under each heading of the third level; "" is what stands before all headings."""
    begin, *parts = re.split(r"^#{2,3} ", PAGE.read_text(), flags=re.MULTILINE)
    bodies = (part.partition("\n") for part in parts)
    return {"": begin, **{title: body for title, _, body in bodies if "**What happens.**" in body}}


SECTIONS = _sections()
FAULTS = [title for title in SECTIONS if title]
ROWS = [line.split(" | ") for line in SECTIONS[""].splitlines() if line.startswith(("| **", "| none"))]
COMMANDS = sorted({line for line in _commands(PAGE) if " " in line})

by_fault = pytest.mark.parametrize("title", FAULTS)


@pytest.fixture(scope="module")
def said() -> dict[str, list[Said]]:
    return everything_said()


@by_fault
def test_a_fault_is_told_in_three_paragraphs(title: str) -> None:
    assert re.findall(r"^\*\*(What .*?)\.\*\* \S", SECTIONS[title], re.MULTILINE) == list(PARAGRAPHS)


def test_every_heading_of_the_third_level_is_a_fault() -> None:
    assert re.findall(r"^### (.*)", PAGE.read_text(), re.MULTILINE) == FAULTS


@pytest.mark.parametrize("title", SECTIONS)
def test_the_lines_of_a_section_are_those_that_the_program_prints(title: str, said: dict[str, list[Said]]) -> None:
    assert _quoted(SECTIONS[title]) == [told.line for told in said.get(title, [])]


def test_every_line_that_was_made_has_its_section(said: dict[str, list[Said]]) -> None:
    assert said.keys() <= SECTIONS.keys()


@by_fault
def test_what_is_seen_has_its_exit_code_and_how_often_it_is_told(title: str, said: dict[str, list[Said]]) -> None:
    seen = _paragraph(title, "What you see")

    for told in said.get(title, []):
        assert told.code is None or str(told.code) in CODE.findall(seen), told.line
        assert told.again == ONCE or told.again in " ".join(seen.split()), told.line


@by_fault
def test_every_fault_has_an_exit_code(title: str) -> None:
    assert CODE.findall(_paragraph(title, "What you see"))


def test_every_exit_code_is_one_of_the_readme_and_every_one_of_those_stands_in_the_table() -> None:
    known = _codes_of_the_readme()

    assert {code for section in SECTIONS.values() for code in CODE.findall(section)} == known
    assert {code for row in ROWS for code in CODE.findall(row[0])} == known


def test_an_exit_code_is_always_marked_as_one() -> None:
    assert re.findall(r"\b(?:[Ee]xit|code)s? \d+", FENCED.sub("", PAGE.read_text())) == []


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_parses(line: str) -> None:
    _parse(shlex.split(line, comments=True)[1:])


def test_the_page_shows_the_commands_that_mend_something() -> None:
    shown = {" ".join(line.split()[1:3]) for line in COMMANDS}

    assert {"state check", "state restore", "state backup", "state rewind", "state forget", "gaps --ack"} <= shown


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}")
def test_a_row_of_the_table_leads_to_a_section_that_has_its_code_and_its_line(row: list[str]) -> None:
    code, text, link = row
    sections = {_anchor(title): title for title in FAULTS}
    ((label, anchor),) = re.findall(r"^\[(.*)\]\(#(.*)\) \|$", link)
    seen = _paragraph(sections[anchor], "What you see")

    assert label == sections[anchor]
    assert set(CODE.findall(code)) <= set(CODE.findall(seen))
    assert [part for part in re.findall(r"`(.*?)`", text) if not any(part in line for line in _quoted(seen))] == []


def test_every_section_with_an_exit_code_that_is_no_success_stands_in_the_table() -> None:
    linked = set(re.findall(r"\(#(.*?)\)", "".join(row[2] for row in ROWS)))
    failing = [title for title in FAULTS if set(CODE.findall(_paragraph(title, "What you see"))) - {"0"}]

    assert [title for title in failing if _anchor(title) not in linked] == []


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    headings = {_anchor(title) for title in re.findall(r"^#+ (.*)", PAGE.read_text(), re.MULTILINE)}

    assert set(re.findall(r"\(#(.*?)\)", PAGE.read_text())) <= headings


def test_every_kind_of_gap_is_explained() -> None:
    explained = re.findall(r"^- `(\w+)`:", SECTIONS["An outage of more than 15, 63 or 455 days"], re.MULTILINE)

    assert sorted(explained) == sorted(KINDS)


FIGURES = {
    "Graphite loses what it had in memory": f"`every: {Defaults.model_fields['every'].default}`",
    "Graphite hangs or is slow": f"`graphite.timeout` ({Graphite.model_fields['timeout'].default[:-1]} s)",
    "AWS is out of reach, or throttles": f"tried {signature(CloudWatch).parameters['attempts'].default} times",
    "A signal stops it": f"at most {GRACE:g} seconds",
    "A run hangs": f"from {PATIENCE_WITH_HOLDER // 60} minutes without progress",
    "The clock is wrong": f"more than {CLOCK_TOLERANCE // 60} minutes",
    "A run is cut short by a limit": f"`limits.usd_per_run` ({Limits.model_fields['usd_per_run'].default})",
    "A month would cost more than its limit": f"every {span(rarest(a_spec()))} for 60 s, every {RAREST // DAY} days",
    "There are more series than the limit": f"({int(Limits.model_fields['max_series'].default):,})",
    "The state is lost": f"`initial_lookback` ({Defaults.model_fields['initial_lookback'].default[:-1]} day)",
}


@pytest.mark.parametrize("title", FIGURES)
def test_a_figure_of_the_page_is_that_of_the_code(title: str) -> None:
    assert FIGURES[title] in " ".join(SECTIONS[title].split())


def test_what_cloudwatch_keeps_is_as_the_code_has_it() -> None:
    days = [kept // DAY for _, kept in TIERS[1:]]

    assert f"An outage of more than {days[0]}, {days[1]} or {days[2]} days" in SECTIONS
    assert f"{TIERS[0][1] // HOUR} hours for periods under 60 s" in " ".join(
        SECTIONS["An outage of hours or days"].split()
    )


def _quoted(text: str) -> list[str]:
    return [line for language, block in FENCED.findall(text) if language == "text" for line in block.splitlines()]


def _paragraph(title: str, name: str) -> str:
    """A paragraph of a section with what follows it, up to the next."""
    begin = SECTIONS[title].partition(f"**{name}.**")[2]
    return re.split(r"^\*\*What |^#", begin, maxsplit=1, flags=re.MULTILINE)[0]


def _codes_of_the_readme() -> set[str]:
    rows = re.findall(r"^\| ([\d, ]+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    return {code for row in rows for code in re.findall(r"\d+", row)}


def _anchor(title: str) -> str:
    """As GitHub names a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _parse(words: list[str]) -> None:
    """Parse a command line to its end, options and arguments included, without running it."""
    command: click.Command = cwarchive
    while isinstance(command, click.Group):
        context = click.Context(command, obj=Setting())
        options, rest, _ = command.make_parser(context).parse_args(words)
        if not rest:
            assert options, "a command is missing"
            return
        _, found, words = command.resolve_command(context, rest)
        assert found is not None
        command = found
    command.make_context(command.name, words, obj=Setting())
