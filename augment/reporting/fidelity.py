"""How like real faces a generator's passed candidates are: ``reports/fidelity.json`` as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augment.reporting.numbers import share


@dataclass(frozen=True)
class LikenessRow:
    """One feature's distances over all candidates of a generator, as text."""

    feature: str
    n: str
    ratio: str
    kernel: str
    neighbours: tuple[str, ...]  # precision, recall, density, coverage


@dataclass(frozen=True)
class LabelRow:
    """What one scoring judge sees of one label, beside how often it is right on real faces."""

    label: str
    asked: str  # "changed" or "kept"
    judge: str
    seen: str
    real: str


@dataclass(frozen=True)
class FidelityPart:
    """Of one generator; ``why`` is not empty where nothing could be said.

    ``by``: grouping -> rows of (group, its Fréchet distance ratio by each of ``features``).
    """

    why: str
    features: tuple[str, ...] = ()
    likeness: tuple[LikenessRow, ...] = ()
    labels: tuple[LabelRow, ...] = ()
    edits: tuple[tuple[str, str], ...] = ()
    by: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] | None = None


def fidelity_part(found: Mapping[str, Any], features: tuple[str, ...]) -> FidelityPart:
    """From one entry of ``generators``.

    Args:
        found: ``{passed, all, by}``, or ``{passed, why}``.
        features: ``<judge key>/<feature>``.
    """
    whole = found.get("all", found)
    if "why" in whole:
        return FidelityPart(str(whole["why"]))
    return FidelityPart(
        why="",
        features=features,
        likeness=tuple(_likeness(name, whole["likeness"][name]) for name in features),
        labels=tuple(
            LabelRow(label, words, judge, _seen(row), _seen(row.get("real")))
            for asked, words in (("target", "changed"), ("kept", "kept"))
            for label, told in whole[asked].items()
            for judge, row in told["judges"].items()
        ),
        edits=tuple(_edits(whole.get("edit"))),
        by={
            grouping: tuple(
                (group, tuple(_ratio(part, name) for name in features))
                for group, part in groups.items()
            )
            for grouping, groups in found["by"].items()
            if grouping != "bin"
        },
    )


def _likeness(feature: str, found: Mapping[str, Any]) -> LikenessRow:
    if "why" in found:
        return LikenessRow(feature, str(found["why"]), "–", "–", ("–",) * 4)
    near = found["neighbours"]
    names = ("precision", "recall", "density", "coverage")
    return LikenessRow(
        feature,
        f"{found['n']:,}",
        _figure(found.get("fd_ratio"), 2),
        _figure(found.get("kid")),
        tuple(f"{near[name]:.2f}" if "why" not in near else "–" for name in names),
    )


def _ratio(part: Mapping[str, Any], feature: str) -> str:
    if "why" in part:
        return str(part["why"])
    found = part["likeness"][feature]
    return str(found["why"]) if "why" in found else _figure(found.get("fd_ratio"), 2)


def _edits(found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    rows = [("visible change, 0 to 1", _figure(found["visible_change"], 3))]
    for feature, closed in found["distance_closed"].items():
        best = f"; real faces would get {closed['possible']:.2f}" if "possible" in closed else ""
        rows.append((f"distance closed, {feature}", _figure(closed, 2) + best))
    return rows


def _figure(found: Mapping[str, Any] | None, digits: int | None = None) -> str:
    """``1.08 (0.95 to 1.21)``, or why there is none; without ``digits`` three that count."""
    if found is None:
        return "–"
    if "why" in found or found.get("value") is None:
        return str(found.get("why", "–"))
    form = ".3g" if digits is None else f".{digits}f"
    text = f"{found['value']:{form}}"
    if found.get("interval") is None:
        return text
    low, high = found["interval"]
    return f"{text} ({low:{form}} to {high:{form}})".replace("-", "−")


def _seen(found: Mapping[str, Any] | None) -> str:
    """``81.3 % (n=150)``, or why there is none."""
    if found is None:
        return "–"
    if "why" in found or found.get("value") is None:
        return str(found.get("why", "–"))
    return f"{share(found['value'])} (n={found['n']:,})"
