"""A scheduled deployment: this process waits, and runs the road whenever the schedule says.

    prefect server start                                              # in another terminal
    export PREFECT_API_URL=http://127.0.0.1:4200/api
    python flows/deploy.py --cron "0 3 * * *" [--project FOLDER]

The same deployment for a work pool, with workers elsewhere, stands in prefect.yaml.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect import Flow
from prefect.settings import get_current_settings

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the road of dvc.yaml on a schedule.")
    parser.add_argument("--cron", default="0 3 * * *", help="when to run (default: 3 at night)")
    parser.add_argument("--timezone", default="UTC", help="of the cron expression (default: UTC)")
    parser.add_argument("--name", default="nightly", help="the deployment's name")
    parser.add_argument("--project", default=str(ROOT), help="folder of dvc.yaml")
    options = parser.parse_args()
    if get_current_settings().api.url is None:
        parser.error(
            "no Prefect server is set, and only a server keeps schedules: run `prefect server "
            "start` and `export PREFECT_API_URL=http://127.0.0.1:4200/api`."
        )
    serve(options.name, options.cron, options.timezone, Path(options.project).resolve())


def serve(name: str, cron: str, timezone: str, project: Path) -> None:
    from prefect.schedules import Cron

    flow = Flow.from_source(source=str(ROOT), entrypoint="flows/pipeline.py:balance")
    flow.serve(  # type: ignore[union-attr]
        name=name,
        schedule=Cron(cron, timezone=timezone),
        parameters={"project": str(project)},
        limit=1,  # two runs of one project would only wait for each other
        tags=["faces"],
    )


if __name__ == "__main__":
    main()
