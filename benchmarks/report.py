"""How long the report takes to build and to open. python -m benchmarks.report

A road of made-up faces (the tests' own, ``tests/unit/road_outputs.py``) stands in for the stages
before: what counts is how many faces there are, not what they show. The page is opened in headless
Chromium; "open" is until its load event, the gallery included.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from augment.figures import Figure, write_figures
from augment.job import Job
from augment.shards import read_table
from augment.stages import report
from tests.unit.road_outputs import CENSUS, write_road

SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=20_000, help="about so many, real ones")
    parser.add_argument("--times", type=int, default=3, help="measurements; the median counts")
    parser.add_argument("--out", type=Path, default=Path("reports/systems/report.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        job = write_road(Path(name), times=max(1, round(args.faces / sum(CENSUS.values()))))
        figures = _figures(job, args.times)
    for figure in figures:
        print(f"{figure.name:22} {figure.value:8.2f} {figure.unit:3} (n={figure.n:,} faces)")
    write_figures(args.out, "report", SEED, figures)


def _figures(job: Job, times: int) -> list[Figure]:
    faces = read_table(job.outputs["aligned"], ["id"]).num_rows
    built = statistics.median(_seconds_to_build(job) for _ in range(times))
    page = job.outputs["report.html"]
    found = [
        Figure("seconds_to_build", "report", "made-up faces", round(built, 2), "s", "lower", faces),
        Figure("megabytes", "report", "made-up faces", round(page.stat().st_size / 1e6, 2), "MB",
               "lower", faces),
    ]  # fmt: skip
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium here: how long the page takes to open is not measured")
        return found
    opened = statistics.median(_seconds_to_open(page, chromium) for _ in range(times))
    return [
        *found,
        Figure("seconds_to_open", "report", "made-up faces", round(opened, 2), "s", "lower", faces),
    ]


def _seconds_to_build(job: Job) -> float:
    start = time.perf_counter()
    report.run(job)
    return time.perf_counter() - start


def _seconds_to_open(page: Path, chromium: str) -> float:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page()
        start = time.perf_counter()
        tab.goto(page.as_uri(), wait_until="load")
        seconds = time.perf_counter() - start
        browser.close()
    return seconds


if __name__ == "__main__":
    main()
