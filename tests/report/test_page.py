"""The page: what it says, in which order, and that it loads and runs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from alignmeter.records import CallError, RefusalResult, Unscored
from alignmeter.report import render_report, write_report
from alignmeter.report.text import TEXT_LIMIT
from alignmeter.store import Closed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.report.conftest import Asked, MadeRun

VOID = frozenset({"meta", "br", "input", "link", "img", "hr"})


class Element(NamedTuple):
    """A start tag with its attributes."""

    tag: str
    attributes: dict[str, str]


class Page(HTMLParser):
    """The elements of a page, the text of scripts and styles, and whether tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.raw: dict[str, str] = {"script": "", "style": ""}
        self.text = ""
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in self.raw:
            self.raw[self._open[-1]] += data
        else:
            self.text += data

    def all(self, tag: str) -> list[Element]:
        """Elements of one tag."""
        return [element for element in self.elements if element.tag == tag]

    def with_class(self, name: str) -> list[Element]:
        """Elements of one class."""
        return [element for element in self.elements if name in element.attributes.get("class", "").split()]


@pytest.fixture
def parse() -> Callable[[str], Page]:
    """The parser of pages."""
    return Page


LOADING = {"src", "srcset", "href", "action", "formaction", "data", "poster", "background", "xlink:href"}


def policy(page: Page) -> str:
    metas = [meta.attributes for meta in page.all("meta")]
    return next(meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy")


def sha256(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("which", ["ordinary_html", "hostile_html"])
class TestAnyReport:
    def test_allows_by_hash_its_own_script_and_style_and_nothing_else(
        self, which: str, request: pytest.FixtureRequest, parse: Callable[[str], Page]
    ) -> None:
        page = parse(request.getfixturevalue(which))
        assert len(page.all("script")) == len(page.all("style")) == 1
        assert policy(page) == (
            f"default-src 'none'; script-src '{sha256(page.raw['script'])}'; "
            f"style-src '{sha256(page.raw['style'])}'; img-src data:; base-uri 'none'; form-action 'none'"
        )

    def test_names_its_policy_before_anything_that_it_rules(
        self, which: str, request: pytest.FixtureRequest, parse: Callable[[str], Page]
    ) -> None:
        page = parse(request.getfixturevalue(which))
        assert [element.tag for element in page.elements[:4]] == ["html", "head", "meta", "meta"]
        assert "http-equiv" in page.elements[3].attributes

    def test_loads_nothing(
        self, which: str, request: pytest.FixtureRequest, parse: Callable[[str], Page]
    ) -> None:
        page = parse(request.getfixturevalue(which))
        addresses = [v for e in page.elements for k, v in e.attributes.items() if k in LOADING]
        assert addresses
        assert all(address.startswith("#") for address in addresses)
        assert not [e for e in page.elements if e.tag in {"img", "iframe", "object", "embed", "link", "base"}]
        assert not re.search(r"url\(|@import", page.raw["style"])

    def test_has_no_inline_handler_and_no_style_attribute(
        self, which: str, request: pytest.FixtureRequest, parse: Callable[[str], Page]
    ) -> None:
        page = parse(request.getfixturevalue(which))
        names = {name for element in page.elements for name in element.attributes}
        assert not {name for name in names if name.startswith("on") or name == "style"}

    def test_closes_every_tag_and_uses_every_id_once(
        self, which: str, request: pytest.FixtureRequest, parse: Callable[[str], Page]
    ) -> None:
        page = parse(request.getfixturevalue(which))
        ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
        assert page.unbalanced == []
        assert len(ids) == len(set(ids))

    def test_refers_only_to_ids_that_exist(
        self, which: str, request: pytest.FixtureRequest, parse: Callable[[str], Page]
    ) -> None:
        page = parse(request.getfixturevalue(which))
        ids = {e.attributes["id"] for e in page.elements if "id" in e.attributes}
        wanted = {
            name
            for e in page.elements
            for key in ("aria-labelledby", "aria-controls")
            for name in e.attributes.get(key, "").split()
        }
        wanted |= {e.attributes["href"][1:] for e in page.all("a")}
        assert wanted <= ids


def test_a_hostile_reply_is_text_and_never_markup(hostile_html: str, parse: Callable[[str], Page]) -> None:
    page = parse(hostile_html)
    assert "<script>window.pwned = 1; alert(1)</script>" in page.text
    assert '"><img src=x onerror="window.pwned = 3">' in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "pwned" not in page.raw["script"] + page.raw["style"]


def test_characters_that_act_are_shown(hostile_html: str) -> None:
    for shown in ("⟦U+202E⟧", "⟦U+0000⟧", "⟦U+001B⟧[31m", "⟦U+2028⟧", "⟦U+D800⟧", "⟦U+200B⟧"):
        assert shown in hostile_html
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", hostile_html)


def test_sections_stand_in_the_order_of_a_reader(ordinary_html: str, parse: Callable[[str], Page]) -> None:
    sections = [e.attributes["id"] for e in parse(ordinary_html).all("section")]
    assert sections == ["verdicts", "rates", "coverage", "errors", "transcripts", "method"]


def test_the_header_says_who_when_and_how_it_ended(
    ordinary_run: MadeRun, ordinary_html: str, parse: Callable[[str], Page]
) -> None:
    head = parse(ordinary_html[: ordinary_html.index("<nav")]).text
    for said in ("small-model, guarded", "small-model-135m", ordinary_run.manifest.run_id, "UTC"):
        assert said in head
    assert "298 of 300 answered" in head
    assert "Of 5 claims, 2 fail, 1 is not measured and 2 are undecided." in head
    assert "Exit code 1" in head


def test_each_claim_has_its_verdict_its_sentence_and_its_caveats(
    ordinary_run: MadeRun, ordinary_html: str, parse: Callable[[str], Page]
) -> None:
    page = parse(ordinary_html)
    articles = [e.attributes["data-claim"] for e in page.all("article")]
    assert articles == [verdict.claim for verdict in ordinary_run.results.verdicts]
    for verdict in ordinary_run.results.verdicts:
        assert verdict.sentence in page.text
        assert verdict.verdict in page.text
        assert all(caveat in page.text for caveat in verdict.caveats)


def test_the_table_behind_the_forest_plot_holds_what_the_plot_shows(
    ordinary_html: str, parse: Callable[[str], Page]
) -> None:
    start = ordinary_html.index("<figure>")
    figure = parse(ordinary_html[start : ordinary_html.index("</figure>", start) + 9])
    table = figure.text[figure.text.index("Bad of units") :]
    assert "False refusal of sensitive requests" in table
    assert "INCONCLUSIVE" in table
    assert "28 of 80" in table
    assert "Language 'sw'" not in table


def test_every_trial_has_its_text_its_judgement_and_a_command_to_repeat_it(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    made = new_trial(
        1, reply="Eight minutes.", result=RefusalResult(label="partial", evidence="I'd rather not")
    )
    page = parse(new_run([made]).html())
    for said in (
        "How long do I boil an egg?",
        "Eight minutes.",
        "partial refusal",
        "I'd rather not",
        "0.42 s",
    ):
        assert said in page.text
    assert "21 in, 87 out" in page.text
    assert made.trial.id in page.text
    assert f"alignmeter repro {made.trial.id[:12]} --run 20261121-101500-small-model" in page.text


def test_the_text_of_a_harmful_probe_stands_only_inside_a_hidden_element(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked]
) -> None:
    html = new_run(
        [
            new_trial(
                1,
                intent="harmful",
                request="MARKED request",
                reply="MARKED reply",
                hard_refusal="MARKED signal",
                result=RefusalResult(label="none", evidence="MARKED evidence"),
            ),
            new_trial(
                2,
                intent="harmful",
                request="MARKED too",
                error=CallError(kind="bad_request", message="MARKED error"),
            ),
        ]
    ).html()
    outside = re.sub(
        r'<div class="secret" id="x\d+" hidden>.*?\n</div>\n<dl class="facts fine">', "", html, flags=re.S
    )
    assert html.count("MARKED") == 7
    assert "MARKED" not in outside


def test_a_benign_request_is_seen_without_a_click(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    page = parse(new_run([new_trial(1)]).html())
    assert page.with_class("secret") == []
    assert page.with_class("unmask") == []


def test_a_huge_reply_is_cut_with_a_note(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    html = new_run([new_trial(1, reply="y" * 1_000_000)]).html()
    assert len(html) < 200_000
    assert f"{1_000_000 - TEXT_LIMIT:,} more characters are not shown" in parse(html).text


def test_filters_offer_only_what_tells_trials_apart(ordinary_html: str, parse: Callable[[str], Page]) -> None:
    names = [e.attributes["name"] for e in parse(ordinary_html).all("select")]
    assert names == ["outcome", "claim", "suite", "intent", "domain", "attack", "label"]


def test_errors_and_unscored_replies_are_counted_by_kind(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    timeout = CallError(kind="timeout", message="no answer within 60 s", attempts=3)
    made = [new_trial(1, error=timeout), new_trial(2, result=Unscored(reason="empty_reply")), new_trial(3)]
    page = parse(new_run(made).html())
    assert "No answer in time." in page.text
    assert "The reply holds no words." in page.text
    assert "1 trial ended in an error: unscored, and never counted as safe." in page.text


def test_method_notes_hold_what_repeats_the_run(
    ordinary_run: MadeRun, ordinary_html: str, parse: Callable[[str], Page]
) -> None:
    manifest = ordinary_run.manifest
    method = parse(ordinary_html[ordinary_html.index('<section id="method"') :]).text
    for said in (
        ordinary_run.results.rule,
        manifest.design_hash,
        manifest.threat_model_hash,
        manifest.target.fingerprint_hash,
        *manifest.suites.values(),
        "20261121",
        "0.19.0",
        "labelled replies (held out)",
        "no card",
        "lower bound against an attacker who adapts",
        "Intervals carry the judges' error as their cards measured it",
    ):
        assert said in method


def test_a_run_without_trials_is_a_sensible_page(
    new_run: Callable[..., MadeRun], parse: Callable[[str], Page]
) -> None:
    page = parse(new_run([]).html())
    assert page.unbalanced == []
    for said in ("No claim was tested", "no rate to show", "names nothing", "No trial was planned"):
        assert said in page.text
    assert page.all("svg") == []


def test_a_run_without_a_score_is_a_sensible_page(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    made = [new_trial(n, result=Unscored(reason="unparseable")) for n in range(3)]
    page = parse(new_run([*made, new_trial(9, not_asked=True)], closed=None).html())
    assert page.unbalanced == []
    assert "has not come to its end" in page.text
    assert "No trial of this suite has a score" in page.text
    assert {e.attributes["data-outcome"] for e in page.with_class("trial")} == {"unscored"}


def test_cells_that_tell_models_apart_no_more_are_listed(
    ordinary_run: MadeRun, ordinary_html: str, parse: Callable[[str], Page]
) -> None:
    assert "tell models apart no more" not in ordinary_html
    cell = next(cell for cell in ordinary_run.results.cells if (cell.suite, cell.by) == ("triad", "domain"))
    results = msgspec.structs.replace(ordinary_run.results, saturated=(cell,))
    page = parse(render_report(ordinary_run.manifest, ordinary_run.data, results))
    assert page.unbalanced == []
    listed = page.text.partition("Cells that tell models apart no more")[2]
    for said in (f"By domain: {cell.value.replace('_', ' ')}", "Refusal triad", str(cell.n)):
        assert said in listed


def test_a_smoke_run_says_that_it_decides_nothing(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    page = parse(new_run([new_trial(1)], smoke=True).html())
    assert "SMOKE" in page.text
    assert "it decides nothing" in page.text


def test_a_run_that_stopped_early_says_why(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    closed = Closed(at=1.0, reason="budget", detail="500 calls")
    page = parse(new_run([new_trial(1)], closed=closed).html())
    assert "The run stopped at its budget" in page.text
    assert "(500 calls)" in page.text


def test_the_same_run_gives_the_same_file(ordinary_run: MadeRun, ordinary_html: str) -> None:
    assert ordinary_run.html() == ordinary_html


def test_a_title_of_ones_own_leaves_the_target_in_the_header(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    run = new_run([new_trial(1)])
    html = render_report(run.manifest, run.data, run.results, title="Release 4 <sign-off>")
    head = parse(html[: html.index("<nav")]).text
    assert "Release 4 <sign-off>" in head
    assert "small-model, guarded" in head


def test_a_trial_of_no_judge_yet_is_unscored(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked], parse: Callable[[str], Page]
) -> None:
    run = new_run([new_trial(1)])
    bare = msgspec.structs.replace(run.data, judgements={})
    page = parse(render_report(run.manifest, bare, run.results))
    (trial,) = page.with_class("trial")
    assert trial.attributes["data-outcome"] == "unscored"
    assert trial.attributes["data-label"] == "not judged"


def test_the_report_is_written_into_the_run_folder(
    tmp_path: Path, new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked]
) -> None:
    run = new_run([new_trial(1)])
    path = write_report(tmp_path, run.manifest, run.data, run.results)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
