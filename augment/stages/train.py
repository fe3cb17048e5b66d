"""train@key: let one generator or judge learn, and leave its weights in ``models/<key>``.

Checkpoints live outside the stage's outputs, which DVC deletes before each run: a training that
was killed goes on, one that is finished is written out again without training.
"""

from typing import Any

from augment.errors import UserError
from augment.job import Job
from augment.params import section
from augment.plugins import CLASS_NAME, Kind, configure, names
from augment.shards import write_json, write_text

CONFIG = "config.json"
HISTORY = "history.json"


def run(job: Job) -> None:
    """Write ``models/<key>/`` (config.json; weights.safetensors where there are any) and
    ``reports/history/<key>.json``, a list of ``{"images": ..., "loss": ...}``.

    Raises:
        UserError: the entry's kind is neither a generator nor a judge, its settings are wrong, or
            it has no faces to learn from.
    """
    key = str(job.key)
    entry = section(job.params, f"train.{key}")
    point = plug_point(entry, key)
    module, config = configure(point, entry, f"{point}.{key}")
    folder = job.outputs[f"models/{key}"]
    work = job.engine.cache.parent / "train" / key
    plugin = getattr(module, CLASS_NAME[point])(config)
    plugin.train(job.inputs["aligned"], folder, job.seed, work)
    if not (folder / CONFIG).is_file():
        write_json(folder / CONFIG, {"config": config.model_dump(mode="json"), "images_seen": 0})
    learned = folder / HISTORY
    history = learned.read_text(encoding="utf-8") if learned.is_file() else "[]\n"
    learned.unlink(missing_ok=True)
    write_text(job.outputs[f"history/{key}.json"], history)


def plug_point(entry: Any, key: str) -> Kind:
    """Whether an entry of ``train`` is a generator or a judge: which folder its kind lies in."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    points: tuple[Kind, ...] = ("generators", "judges")
    for point in points:
        if kind in names(point):
            return point
    raise UserError(
        f"params.yaml: '{key}' has kind '{kind}', which is neither a generator "
        f"({', '.join(names('generators'))}) nor a judge ({', '.join(names('judges'))})."
    )
