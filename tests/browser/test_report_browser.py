"""The report as a person meets it: in a browser, by keyboard, in the dark, on a phone, on paper."""

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from augment.job import Job
from tests.unit.road_outputs import write_report, write_road

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = write_road(tmp_path_factory.mktemp("road"))
    write_report(job)
    return job


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def open_report(browser: Any, road: Job) -> Iterator[Any]:
    contexts = []

    def opened(path: Path | None = None, **settings: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda request: page.problems.append(request.url)
                if not request.url.startswith(("file:", "data:")) else None)  # fmt: skip
        page.goto((path or road.outputs["report.html"]).as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


def test_opens_without_a_word_of_complaint_or_a_request(open_report: Any) -> None:
    page = open_report()
    assert page.title() == "Face data set balance report"
    assert page.problems == []
    assert page.locator("h1").count() == 1


def test_figures_on_the_page_are_those_of_metrics_json(open_report: Any, road: Job) -> None:
    page = open_report()
    metrics = json.loads(road.outputs["metrics.json"].read_text())
    evenness = page.locator(".tiles li", has_text="Evenness").locator(".figure").inner_text()
    shown = [float(number) for number in re.findall(r"\d+\.\d+", evenness)]
    audit = metrics["audit"]
    assert shown == [round(audit["evenness_before"], 3), round(audit["evenness_after"], 3)]
    chart = page.locator(".dots", has_text="Accuracy of the worst group")
    for arm, figures in metrics["evaluate"]["smile"].items():
        # One arm's name may be the end, or the beginning, of another's.
        name = re.compile(rf"^\s*{re.escape(arm)}(?!,)")
        row = chart.locator(".row", has=page.locator(".name", has_text=name))
        assert row.locator("b").inner_text() == f"{100 * figures['worst_group']:.1f} %"


def test_the_gallery_filters_and_says_how_many_fit(open_report: Any) -> None:
    page = open_report()
    cards = page.locator("#shown .card")
    everything = cards.count()
    page.get_by_role("combobox", name="Generator").select_option("mask")
    page.get_by_role("combobox", name="Verdict").select_option("refused")
    fitting = page.locator('#shown .card[data-generator="mask"][data-verdict="refused"]').count()
    assert 0 < fitting < everything
    assert page.locator("#count").inner_text().startswith(f"{fitting} fit")
    shown = page.locator("#shown .card:visible")
    assert {card.get_attribute("data-verdict") for card in shown.all()} == {"refused"}
    assert {card.get_attribute("data-generator") for card in shown.all()} == {"mask"}
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(
        f"document.getElementById('count').textContent.startsWith('{everything} fit')"
    )


def test_the_gallery_orders_by_a_checks_score(open_report: Any) -> None:
    page = open_report()
    page.get_by_role("combobox", name="Lowest score first").select_option("label")
    shown = page.locator("#shown .card:visible")
    scores = [card.get_attribute("data-score-label") for card in shown.all()]
    known = [float(score) for score in scores if score is not None]
    assert len(known) > 10
    assert known == sorted(known)
    assert shown.first.get_attribute("data-verdict") == "refused"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.getElementById('order').value === ''")


def test_more_cards_come_by_keyboard_and_take_the_focus(open_report: Any) -> None:
    page = open_report()
    before = page.locator("#shown .card:visible").count()
    page.get_by_role("button", name="Show more").focus()
    page.keyboard.press("Enter")
    assert page.locator("#shown .card:visible").count() > before
    place = page.evaluate(
        "[...document.querySelectorAll('#shown .card')].indexOf(document.activeElement)"
    )
    assert place == before


def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_report: Any) -> None:
    page = open_report()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    visited = set()
    name = ""
    while name != "BODY":  # until the keyboard leaves the page
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.tagName + document.activeElement.id")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none" or name == "BODY", name
        visited.add(name)
    assert {"BUTTONtheme", "BUTTONmore", "A", "SELECTfilter-bin", "SUMMARY"} <= visited


def test_every_control_and_picture_has_a_name(open_report: Any) -> None:
    page = open_report()
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    for control in page.locator("button, select, a, summary").all():
        name = control.evaluate(
            "(e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent"
        )
        assert name.strip()
    levels = page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((h) => +h.tagName[1])")
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    tables = page.locator("table").evaluate_all(
        "(all) => all.every((t) => t.caption || t.closest('[aria-label]') || t.closest('details'))"
    )
    assert tables


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_barrier(open_report: Any, scheme: str, width: int) -> None:
    """Contrast, names, roles, order of headings and more: the rules of WCAG 2.2, A and AA."""
    page = open_report(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    found = axe.Axe().run(page).response
    barriers = [
        (rule["id"], node["html"][:200], node["failureSummary"])
        for rule in found["violations"]
        for node in rule["nodes"][:3]
    ]
    assert barriers == []
    assert {"color-contrast", "label"} & {rule["id"] for rule in found["passes"]}


def test_the_theme_button_goes_through_its_states(open_report: Any) -> None:
    page = open_report(color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    system = page.evaluate(paper)
    button = page.locator("#theme")
    names = []
    for _ in range(3):
        button.click()
        names.append((button.get_attribute("aria-label"), page.evaluate(paper) == system))
    assert names == [
        ("Colours: light", True),
        ("Colours: dark", False),
        ("Colours: as the system", True),
    ]


@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_do_not_scroll_sideways(open_report: Any, width: int) -> None:
    page = open_report(viewport={"width": width, "height": 844})
    page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_paper_shows_what_is_folded_and_no_controls(open_report: Any, tmp_path: Path) -> None:
    page = open_report()
    before = page.locator("details[open]").count()  # short tables stand open
    assert page.locator("details:not([open])").count() > 0
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("#filters").is_visible()
    assert not page.locator(".top").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == before


def test_without_scripts_everything_is_there(open_report: Any) -> None:
    page = open_report(java_script_enabled=False)
    assert page.locator("#shown .card").last.is_visible()
    assert not page.locator("#filters").is_visible()


def test_hidden_people_stay_hidden_and_it_says_so(
    open_report: Any, road: Job, tmp_path: Path
) -> None:
    params = dict(road.params) | {"ingest": {"sources": {"faces": {"kind": "folder"}}}}
    outputs = dict(road.outputs) | {"report.html": tmp_path / "report.html"}
    write_report(replace(road, params=params, outputs=outputs))
    page = open_report(tmp_path / "report.html")
    assert page.locator("main img").count() == 0
    first = page.get_by_role("img").first
    assert "made from photographs of real people" in str(
        page.locator("#shown [role=img]").first.get_attribute("aria-label")
    )
    assert first.is_visible()
