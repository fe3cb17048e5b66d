"""The command line: thin; every command is one call."""

import errno
import importlib
import os
import re
import sys
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from augment import commands

STAGES = {
    "ingest": "Read the data sets as shipped: one row a photo, labels in one vocabulary.",
    "align": "Find the face in every photo and cut it out upright.",
    "audit": "Count who is in the data set, and who is missing.",
    "train": "Train one generator or judge.",
    "pilot": "Make and gate a few candidates of every kind, to know how many pass.",
    "plan": "Turn what is missing into orders.",
    "generate": "Make the faces that were ordered from one generator.",
    "gate": "Have judges and checks say which new faces are good enough.",
    "topup": "Order again, a bounded number of times, where too few passed.",
    "fidelity": "Measure how like real faces the new ones are, by group.",
    "assemble": "Write the balanced data set, its manifest and its card.",
    "evaluate": "Train a small model on each variant of the set and compare groups.",
    "report": "Write the page that a person looks at.",
}
KEYED = ("train", "generate")
_ROAD = "The road, in this order (dvc repro runs what is not up to date)"
_ASK = "Ask"
_ACT = "Use what was made, and take people out of it"


class _Group(TyperGroup):
    """Says in one sentence what a person has to mend; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        from augment.errors import UserError

        try:
            return super().invoke(ctx)
        except UserError as error:
            code = _say(str(error), 2)
        except KeyboardInterrupt:
            code = _say("stopped; the same command goes on from here.", 130)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            code = _say(
                f"{os.strerror(error.errno)}: free some space and run the same command again; "
                "what is finished is kept.",
                2,
            )
        raise typer.Exit(code)


def _say(sentence: str, code: int) -> int:
    print(f"augment: {sentence}", file=sys.stderr)
    return code


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Make a face data set fairness-balanced, and see what it did.

    Write what you have and want into params.yaml, then:

      augment check      finds mistakes in seconds
      dvc repro          runs the whole road; killed, it goes on from there
      augment status     tells what is done, what would run, and why

    AUGMENT_ENGINE=inline, pool or ray says where rows are computed; the bytes that
    come out are the same.""",
)

EngineOption = Annotated[
    Literal["inline", "pool", "ray"],
    typer.Option(
        "--engine",
        envvar="AUGMENT_ENGINE",
        help="Where rows are computed: in this process, one process a core, or on Ray. "
        "The result is the same.",
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers", envvar="AUGMENT_WORKERS", min=0, help="How many processes; 0: one a core."
    ),
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Print the plan as a table and write nothing.")
]


def _example(text: str, *commands: str) -> str:
    """Help: what it does, then how it is called."""
    shown = "\n\n".join(f"  $ {command}" for command in commands)
    return f"{text}\n\nExample:\n\n{shown}"


def _register(stage: str, text: str) -> None:
    if stage in KEYED:

        def keyed(
            key: Annotated[str, typer.Argument(help="Its name in params.yaml.")],
            engine: EngineOption = "pool",
            workers: WorkersOption = 0,
        ) -> None:
            run_stage(f"{stage}@{key}", engine, workers)

        command: Any = keyed
        examples = [f"augment {stage} mask", f"augment {stage}@mask"]
    else:

        def plain(engine: EngineOption = "pool", workers: WorkersOption = 0) -> None:
            run_stage(stage, engine, workers)

        command, examples = plain, [f"augment {stage}"]
    app.command(stage, rich_help_panel=_ROAD, help=_example(text, *examples))(command)


def _plan(
    explain: ExplainOption = False, engine: EngineOption = "pool", workers: WorkersOption = 0
) -> None:
    if not explain:
        run_stage("plan", engine, workers)
        return
    stage, job = _open("plan", engine, workers)
    typer.echo(stage.explain(job))


for _name, _text in STAGES.items():
    if _name == "plan":
        app.command(
            "plan",
            rich_help_panel=_ROAD,
            help=_example(_text, "augment plan", "augment plan --explain"),
        )(_plan)
    else:
        _register(_name, _text)


@app.command(
    rich_help_panel=_ASK,
    help=_example(
        "Find every mistake in params.yaml and dvc.yaml, and files that are not there, in seconds.",
        "augment check",
    ),
)
def check() -> None:
    from augment.checking import find_problems

    problems = find_problems()
    for problem in problems:
        _say(problem, 2)
    if problems:
        raise typer.Exit(2)
    print("params.yaml and dvc.yaml are in order.")


@app.command(
    rich_help_panel=_ASK,
    help=_example("Tell what is done, what `dvc repro` would run, and why.", "augment status"),
)
def status() -> None:
    from rich.console import Console
    from rich.table import Table

    from augment.params import read_params
    from augment.road import read_road
    from augment.status import read_status

    table = Table(box=None, header_style="bold")
    for title, justify in (
        ("stage", "left"),
        ("state", "left"),
        ("rows", "right"),
        ("why", "left"),
    ):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for line in read_status(read_road(read_params())):
        rows = "" if line.rows is None else f"{line.rows:,}"
        table.add_row(line.address, line.state, rows, line.why)
    Console().print(table)


@app.command(
    rich_help_panel=_ASK,
    help=_example("Print in ten lines what was made and where it is.", "augment summary"),
)
def summary() -> None:
    from pathlib import Path

    from augment.reporting.summary import text

    print(text(Path("reports"), Path("data/balanced")))


for _name, _command, _help in (
    ("export", commands.export, commands.EXPORT),
    ("edit", commands.edit, commands.EDIT),
    ("predict", commands.predict, commands.PREDICT),
    ("forget", commands.forget, commands.FORGET),
):
    app.command(_name, rich_help_panel=_ACT, help=_example(*_help))(_command)


def run_stage(address: str, engine: str, workers: int) -> None:
    """Run one stage as dvc.yaml calls it: ``"align"``, ``"train@mask"``."""
    stage, job = _open(address, engine, workers)
    stage.run(job)


def _open(address: str, engine: str, workers: int) -> tuple[Any, Any]:
    """A stage's module and its job."""
    from augment.engine import Engine
    from augment.errors import UserError
    from augment.params import read_params
    from augment.road import make_job, read_road

    params = read_params()
    road = read_road(params)
    if address not in road:
        name = address.split("@")[0]
        keys = [stage.key for stage in road.values() if stage.name == name and stage.key]
        raise UserError(
            f"there is no '{address}' in dvc.yaml and params.yaml; there are: "
            f"{', '.join(f'{name}@{key}' for key in keys) or ', '.join(road)}."
        )
    stage = road[address]
    job = make_job(stage, params, Engine(engine, workers))  # type: ignore[arg-type]
    return importlib.import_module(f"augment.stages.{stage.name}"), job


def main() -> None:
    """Entry point. ``train@mask``, the way DVC writes it, is read as ``train mask``."""
    arguments = sys.argv[1:]
    match = re.fullmatch(rf"({'|'.join(KEYED)})@(.+)", arguments[0]) if arguments else None
    if match:
        arguments[:1] = match.groups()
    app(arguments, prog_name="augment")
