"""gate: every check's verdict on every candidate, with thresholds taken from real faces.

Nothing is deleted here: ``assemble`` reads the verdicts. What judges say of a picture is computed
once, so another run with other thresholds or checks takes seconds.

``gate.false_rejection`` is of the gate as a whole: all checks take their thresholds at one lower
rate, the highest at which real faces that pose as candidates are refused by any of them no more
often than that (:mod:`augment.gating.together`). ``summary.json`` holds, beside the counts: how
good each judge is and where it is weaker (``judges``), what the gate refuses of real faces
(``real_faces``), whom it refuses more, by generator, group and check (``refusals``, and in
sentences ``findings``), and pass rates with intervals that know of the judges' errors
(``passes``: ``interval_with_judges``, :func:`augment.metrics.reliability.widened_interval`).
"""

from augment.gating.faces import candidate_folders, read_bin_space
from augment.gating.verdicts import Config, gate_candidates, summarise
from augment.job import Job
from augment.schema import table, verdict_schema
from augment.shards import shard_paths, write_bucketed, write_json

__all__ = ["SUMMARY", "Config", "run"]

SUMMARY = "summary.json"


def run(job: Job) -> None:
    """Write ``data/verdicts``: one row per candidate and check, and ``summary.json`` beside.

    Raises:
        UserError: a folder of candidates belongs to no generator of params.yaml.
    """
    config = job.config(Config)
    keys = list(job.params["generators"] or {})
    bins = read_bin_space(job.inputs["audit.json"])
    aligned = job.inputs["aligned"]
    gated = gate_candidates(
        job.engine,
        aligned,
        candidate_folders(job.inputs["candidates"], keys),
        bins,
        job.params["judges"] or {},
        job.inputs["models"],
        config,
    )
    target = job.outputs["verdicts"]
    write_json(target / SUMMARY, summarise(gated, gated.rows, keys, bins, config))
    verdicts = table(gated.rows, verdict_schema())
    write_bucketed(target, verdicts, len(shard_paths(aligned)))
