"""`augment forget`: shows what would go, asks, takes it out, and looks whether anything is left."""

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from augment.engine import Engine
from augment.errors import UserError
from augment.intake.tombstones import FILE, Tombstones, read_tombstones
from augment.params import read_params
from augment.road import Stage, make_job, read_road
from augment.withdrawing.clean import BALANCED, clean
from augment.withdrawing.places import DVC_CACHE, Places
from augment.withdrawing.request import Registry, Request, Withdrawal, resolve
from augment.withdrawing.tables import Finder, is_parquet
from augment.withdrawing.weights import Seen, weights_that_saw

_SHOWN = 20
_SAYS_NOTHING = (
    "name who withdraws: --person <source>/<person>, --id <row id> or --source <key> "
    "(`augment forget --help`)."
)

Say = Callable[[str], None]


def forget(
    request: Request,
    say: Say,
    agree: Callable[[], bool],
    dry_run: bool = False,
) -> bool:
    """Take out of the project in the working directory who is asked for, and whoever
    ``forgotten.json`` names and is still here.

    Killed in the middle, the same call completes it.

    Args:
        request: who withdraws; an empty one completes earlier withdrawals.
        say: takes each line for the person.
        agree: asked before anything is changed.
        dry_run: stop before that.

    Returns:
        Whether nothing of them is left, or nothing was to be done.

    Raises:
        UserError: a name that nobody has, no project here, or one in which a stage is running.
    """
    project = Path().resolve()
    params = read_params(project / "params.yaml")
    road = read_road(params, project / "dvc.yaml")
    tombstones = read_tombstones(project / FILE)
    if not request and not tombstones:
        raise UserError(_SAYS_NOTHING)
    outs = tuple(out for stage in road.values() for out in stage.outs)
    places = Places.of(project, params, outs)
    if places.running():
        raise UserError(
            f"`dvc repro` is at work here (process {places.running()[0]}): stop it or wait for its "
            "end, and run the same command again."
        )
    registry = _read_registry(places)
    withdrawal = resolve(request, registry, tombstones)
    finder = _finder(withdrawal, places)
    hits = _scan(places, finder, "looking")
    seen = weights_that_saw(
        [registry.photos[name] for name in sorted(withdrawal.gone)], params, project / "models"
    )
    _show(withdrawal, request, hits, seen, say)
    if dry_run:
        say("Nothing was changed (--dry-run).")
        return True
    if not agree():
        say("Nothing was changed.")
        return True
    _bury(request, withdrawal, tombstones).write(project / FILE)
    if withdrawal.rows or hits:
        keys = [model.key for model in seen]
        clean(places, finder, set(hits), keys, lambda: _assemble(road, params, project))
    for key in request.sources:
        say(f"Take '{key}' out of ingest.sources in params.yaml before its folder is deleted.")
    return _verify(places, finder, seen, hits, say)


def _read_registry(places: Places) -> Registry:
    registry = Registry()
    cached = (path for path in places.cached() if is_parquet(path))
    registry.read(_readable([*places.tables(), *cached]))
    return registry


def _readable(paths: Iterable[Path]) -> Iterable[Path]:
    """Without damaged files: they hold no rows, and are looked through as bytes."""
    for path in paths:
        try:
            pq.read_metadata(path)
        except (pa.ArrowException, OSError):
            continue
        yield path


def _finder(withdrawal: Withdrawal, places: Places) -> Finder:
    """Knows also how the crops and made pictures look, byte for byte."""
    finder = Finder(withdrawal)
    for path in _readable(places.tables()):
        if {"id", "image"} <= set(pq.read_schema(path).names):
            ids = pq.read_table(path, columns=["id"]).column("id").to_pylist()
            if not withdrawal.rows.isdisjoint(ids):
                finder.learn_pictures(pq.read_table(path, columns=["id", "image"]))
    return finder


def _scan(places: Places, finder: Finder, label: str) -> dict[Path, tuple[str, int]]:
    """File -> (its place, how many times it names or shows somebody who goes); hits only."""
    found = {}
    files = list(places.files())
    for place, path in tqdm(files, desc=label, unit="file", disable=not sys.stderr.isatty()):
        try:
            hits = finder.count(path)
        except pa.ArrowException:  # looks like Parquet and is damaged
            hits = finder.mentions.count_in_file(path)
        if hits:
            found[path] = (place, hits)
    return found


def _bury(request: Request, withdrawal: Withdrawal, tombstones: Tombstones) -> Tombstones:
    sources = set(request.sources)
    return tombstones.add(
        {
            "source": sources,
            "person": request.persons,
            # A source's own entry keeps all of its rows out.
            "id": {name for name in withdrawal.gone if name.partition("/")[0] not in sources},
            "file": withdrawal.files,
        }
    )


def _assemble(road: Mapping[str, Stage], params: Mapping[str, Any], project: Path) -> None:
    """The data set without them; where it cannot be made now, there is none until `dvc repro`."""
    from augment.stages import assemble

    job = make_job(road["assemble"], params, Engine("inline", progress=False))
    if all(path.exists() for path in job.inputs.values()):
        try:
            assemble.run(job)
            return
        except Exception as error:  # whatever it is: it must not keep them in
            print(f"augment: {BALANCED} cannot be made now: {error}", file=sys.stderr)
    shutil.rmtree(project / BALANCED, ignore_errors=True)


def _show(
    withdrawal: Withdrawal,
    request: Request,
    hits: Mapping[Path, tuple[str, int]],
    seen: Iterable[Seen],
    say: Say,
) -> None:
    if not withdrawal.rows and not hits:
        say("Nothing of them is here (any more).")
        return
    say(f"Withdrawn: {_listed('photo', withdrawal.asked)}")
    if withdrawal.copies:
        say(f"  {_listed('copy with the very same bytes', withdrawal.copies)}: they go as well")
    if withdrawal.near:
        word = "they go as well" if request.near_duplicates else "kept; --near-duplicates takes " \
            "them out, too"  # fmt: skip
        say(f"  {_listed('near duplicate', withdrawal.near)}: {word}")
    say(f"  {len(withdrawal.made):,} made faces descend from them")
    places: Counter[str] = Counter()
    files: Counter[str] = Counter()
    for place, count in hits.values():
        places[place] += count
        files[place] += 1
    for place, count in sorted(places.items()):
        say(f"  {place}: {count:,} entries in {files[place]:,} files")
    for model in seen:
        say(f"  {model}")


def _listed(word: str, ids: Iterable[str]) -> str:
    names = sorted(ids)
    plural = {"copy with the very same bytes": "copies with the very same bytes"}
    many = plural.get(word, word + "s")
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    listed = f" ({', '.join(names[:_SHOWN])}{more})" if names else ""
    return f"{len(names):,} {word if len(names) == 1 else many}{listed}"


def _verify(
    places: Places,
    finder: Finder,
    seen: Iterable[Seen],
    before: Mapping[Path, tuple[str, int]],
    say: Say,
) -> bool:
    left = _scan(places, finder, "looking again")
    total = sum(count for _, count in left.values())
    say(f"Final scan of data/, reports/, models/, .augment/, dvc.lock and {DVC_CACHE}: "
        f"{total:,} hits")  # fmt: skip
    for path, (place, count) in sorted(left.items()):
        shown = path.relative_to(places.project) if place != DVC_CACHE else path
        why = "" if places.is_made(path) else ": no stage writes it; edit or delete it yourself"
        say(f"  {shown}: {count:,}{why}")
    if finder.mentions.shared:
        say(f"  {len(finder.mentions.shared):,} of the names also name something that stays: "
            "these were looked for in tables, not in running text")  # fmt: skip
    for model in seen:
        say(f"Trained weights: {model}.")
    if seen:
        say("They still hold what they learned: retrain them (`dvc repro` does, the data has "
            "changed), then `dvc gc --workspace` drops the old ones from DVC's cache.")  # fmt: skip
    _say_what_is_out_of_reach(places, before, say)
    return not left


def _say_what_is_out_of_reach(
    places: Places, before: Mapping[Path, tuple[str, int]], say: Say
) -> None:
    say("`dvc repro` makes what is missing now and brings every count up to date. Keep "
        f"{FILE} in git: it keeps them out of every later run.")  # fmt: skip
    say("Out of reach from here: copies of the data set or of weights that were exported or "
        "shared, and the photos themselves, which stay where they are "
        f"({places.photos}).")  # fmt: skip
    if places.remotes():
        say(f"DVC's remotes ({', '.join(places.remotes())}) may hold older versions: after `dvc "
            "repro` and `dvc push`, `dvc gc --workspace --cloud` removes them there.")  # fmt: skip
    told = [path for path, (place, _) in before.items() if place.startswith("reports/")]
    if told and (places.project / ".git").exists():
        names = ", ".join(sorted(path.relative_to(places.project).as_posix() for path in told))
        say(f"git's history may hold older versions of {names}.")
