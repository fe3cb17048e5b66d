"""The commands that use the data set, or take people out of it; ``cli`` registers them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

FORGET = (
    "Take a person who withdraws out of every output, cache and made face, and keep them out. "
    "Shows what would go, and asks. Named again, or with no name at all, it completes what was "
    "interrupted and looks whether anything is left (exit code 1 if so).",
    "augment forget --person lfw/Ada_Example",
    "augment forget --id mine/0001.jpg --id mine/0002.jpg --dry-run",
    "augment forget --source mine --yes",
)
EXPORT = (
    "Write the balanced data set in a layout that other tools read, with all labels and where each "
    "face comes from: the columns of manifest.parquet as text, lists as JSON, `synthetic` true or "
    "false.\n\nimagefolder: <split>/<name>.jpg and <split>/metadata.jsonl, which Hugging Face's "
    'load_dataset("imagefolder", data_dir=...) reads.\n\n'
    "webdataset: <split>-000000.tar and so on, in each <name>.jpg and <name>.json.\n\n"
    "csv: manifest.csv, and images/<split>/<name>.jpg, which its column `file` names.",
    "augment export --format imagefolder --out faces",
    "augment export --format webdataset --out tars --split train --only synthetic",
    "augment export --format csv --out table --overwrite",
)

EDIT = (
    "Edit the faces of a photo, or of a folder of photos, with trained generators: find each face, "
    "change it, put it back. Writes JPEGs that say they were made, and edits.jsonl, which says of "
    "every photo and face what was done, or why not.",
    "augment edit photo.jpg edited --mask surgical",
    "augment edit my_photos edited --mask cloth --faces largest --models models",
)

PREDICT = (
    "Guess the age group of train faces that nobody has labelled, with a trained generator of "
    "kind age. Writes predicted.csv, where any line may be deleted or mended; the next `dvc repro` "
    "fills in what it says. Such faces count in their bin and may become parents; nothing learns "
    "from a guess or is measured by one, and no given label changes. Says how often it is right.",
    "augment predict age",
    "augment predict age --at-least 0.95",
)


def forget(
    person: Annotated[
        list[str] | None, typer.Option("--person", help="<source>/<person>; may be repeated.")
    ] = None,
    row: Annotated[
        list[str] | None, typer.Option("--id", help="A photo's row id; may be repeated.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="A whole data set: its key under ingest.sources."),
    ] = None,
    near_duplicates: Annotated[
        bool, typer.Option("--near-duplicates", help="Near duplicates of these photos go as well.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take people out; exit code 1 where the final scan finds something left."""
    from augment.withdrawing import Request
    from augment.withdrawing import forget as take_out

    request = Request(person or (), row or (), source or (), near_duplicates)

    def agree() -> bool:
        return yes or _confirmed("Take all of this out for good?")

    if not take_out(request, typer.echo, agree, dry_run):
        raise typer.Exit(1)


def _confirmed(question: str) -> bool:
    """The person's answer; where the input has ended nobody is there to agree, which is a no."""
    try:
        return typer.confirm(question)
    except typer.Abort as stopped:
        if not isinstance(stopped.__context__, EOFError):
            raise
        typer.echo()  # the question's line has not ended
        return False


def export(
    layout: Annotated[
        Literal["imagefolder", "webdataset", "csv"], typer.Option("--format", help="The layout.")
    ],
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder.")],
    split: Annotated[
        list[str] | None,
        typer.Option("--split", help="train, validation or test; may be repeated; none: all."),
    ] = None,
    only: Annotated[
        Literal["real", "synthetic"] | None, typer.Option("--only", help="Leave the others out.")
    ] = None,
    tar_mb: Annotated[
        float, typer.Option("--tar-mb", min=0.01, help="webdataset: size of a tar, megabytes.")
    ] = 256,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export in that folder.")
    ] = False,
) -> None:
    """Write ``data/balanced`` in another layout."""
    from augment.exporting import Wanted
    from augment.exporting import export as write_out

    wanted = Wanted(layout, split or (), only, tar_mb)
    counts = write_out(Path("data/balanced"), out, wanted, overwrite)
    typer.echo(f"{out}: " + ", ".join(f"{n:,} {name} faces" for name, n in counts.items()))


def edit(
    source: Annotated[str, typer.Argument(metavar="IN", help="A photo, or a folder of photos.")],
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="A new or empty folder, not inside of IN.")
    ],
    age: Annotated[float | None, typer.Option("--age", help="Years that faces shall show.")] = None,
    now: Annotated[
        float | None,
        typer.Option("--now", help="With --age: the years that faces show now; else guessed."),
    ] = None,
    mask: Annotated[
        Literal["surgical", "n95", "cloth", "gas"] | None,
        typer.Option("--mask", help="The kind of mask to put on."),
    ] = None,
    faces: Annotated[
        Literal["all", "largest"], typer.Option("--faces", help="Which faces of a photo.")
    ] = "all",
    models: Annotated[
        Path | None,
        typer.Option(
            "--models",
            help="Where `dvc repro` left the trained models; none named: those that come with the "
            "package.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another number: other masks.")] = 7,
    force: Annotated[bool, typer.Option("--force", help="Write over what is in OUT.")] = False,
) -> None:
    """Edit photos; exit code 1 where not one face could be edited."""
    from augment.editing import AgeEditor, Editor, MaskWearer, edit_files, own_detector
    from augment.errors import UserError

    for name, text in (("IN", source), ("OUT", out)):
        if not text:  # as a path it would be the present folder
            raise UserError(f"{name} is empty: name a photo or a folder.")
    if now is not None and age is None:
        raise UserError("--now says how old faces look before --age changes that: say --age, too.")
    editors: list[Editor] = []
    if age is not None:
        editors.append(AgeEditor(age, now, models))
    if mask is not None:
        editors.append(MaskWearer(mask, models))
    if not editors:
        raise UserError("nothing to do: say --age YEARS, --mask KIND, or both.")
    counts = edit_files(
        Path(source), Path(out), editors, own_detector(), seed, faces == "largest", force,
        typer.echo,
    )  # fmt: skip
    typer.echo(
        f"{out}: {counts['edited']} of {counts['faces']} faces in {counts['photos']} photos "
        f"edited; {counts['written']} photos written"
    )
    if not counts["edited"]:
        raise typer.Exit(1)


def predict(
    key: Annotated[str, typer.Argument(help="The generator's name in params.yaml.")],
    at_least: Annotated[
        float,
        typer.Option("--at-least", min=0, max=1, help="A less probable guess is left out."),
    ] = 0.8,
) -> None:
    """Guess missing age groups."""
    from augment.predicting import predict as guess

    guess(key, at_least, typer.echo)
