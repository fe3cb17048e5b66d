"""Keep what a road of real photos says, without a face: benchmarks/fairface_report.py --project DIR

Copies the figures, plots and the report page of a finished road (see examples/fairface) to
reports/fairface/; made_with.json there says the road's commit and seed. Faces of real people, and
faces made from them, are not to be committed: a page that holds any picture but charts is refused.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

from augment.errors import UserError
from augment.figures import commit
from augment.params import read_params
from augment.shards import write_json, write_text

COPIED = ("metrics.json", "evaluate.json", "plan.json", "plots", "figures")
_PICTURE = re.compile(r"data:image/(?!svg)|<img[^>]*\.(?:jpe?g|png|webp)", re.IGNORECASE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, required=True, help="a finished road's folder")
    parser.add_argument("--to", type=Path, default=Path("reports/fairface"))
    args = parser.parse_args()
    keep(args.project / "reports", args.to)
    write_json(args.to / "made_with.json", made_with(args.project))


def made_with(project: Path) -> dict[str, object]:
    """The road's seed and commit; "+changes" is usual there, for params.yaml, dvc.lock and reports
    are its own."""
    return {"commit": commit(project), "seed": read_params(project / "params.yaml")["seed"]}


def keep(reports: Path, to: Path) -> None:
    """Copy what may be shown.

    Raises:
        UserError: the road is not finished, or its page shows faces.
    """
    page = reports / "report.html"
    for path in (page, *(reports / name for name in COPIED)):
        if not path.exists():
            raise UserError(f"{path} is missing: run `dvc repro` there first.")
    text = page.read_text(encoding="utf-8")
    if _PICTURE.search(text):
        raise UserError(
            f"{page} shows faces: set report.show_real_faces: false and show_sources: [] in "
            "params.yaml and run `dvc repro report`."
        )
    to.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (reports / name).is_dir():
            shutil.rmtree(to / name, ignore_errors=True)
            shutil.copytree(reports / name, to / name)
        else:
            shutil.copyfile(reports / name, to / name)
    write_text(to / "report.html", text)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"fairface_report: {error}")
