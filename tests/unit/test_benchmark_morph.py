"""The morph benchmark's frames, its three ways to morph two people, and its trainings."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from augment.generators.morph import Config
from augment.generators.morph.training import network_of, side
from tests.unit.aligned_faces import face_picture

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OURS = {"arch": "ours", "network": {"channels": [12, 8], "critic": [8, 8], "who": 4, "moment": 3}}


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """Its modules, which import each other by their bare names, as scripts do."""
    sys.path.insert(0, str(BENCHMARKS))
    import morph_frames
    import morph_nets
    import morph_nets_measures
    import morph_nets_models
    import morph_road

    yield SimpleNamespace(
        frames=morph_frames, nets=morph_nets, models=morph_nets_models, road=morph_road,
        measures=morph_nets_measures,
    )  # fmt: skip
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def film(bench: Any) -> Any:
    """Person 0 on 30 frames, person 1 on 12; six of each held out."""
    faces = [face_picture(number, 64) for number in range(54)]
    crops, points = np.stack([one[0] for one in faces]), np.stack([one[1] for one in faces])
    points = points.astype(np.float32)
    return bench.frames.Film(
        {"aligned": [crops[:30], crops[30:42]]}, {"aligned": [points[:30], points[30:42]]},
        {"aligned": [crops[42:48], crops[48:]]}, {"aligned": [points[42:48], points[48:]]},
    )  # fmt: skip


def test_frames_are_half_of_each_person_evenly_over_the_film(bench: Any, film: Any) -> None:
    frames = bench.frames.some(film, "aligned", 6)
    assert frames.who.tolist() == [0, 0, 0, 1, 1, 1]
    first = film.crops["aligned"][0]
    np.testing.assert_array_equal(frames.crops[:3], first[[0, 14, 29]])
    assert len(frames.points) == 6
    many = bench.frames.some(film, "aligned", 1000)
    assert np.bincount(many.who).tolist() == [30, 12]


def test_the_warp_goes_from_one_person_to_the_other(bench: Any, film: Any) -> None:
    frames = bench.frames.some(film, "aligned", 2)
    model = bench.models.model_of(None, frames, None)
    random = np.random.default_rng(0)
    assert len(model.samples(5, random)) == 0  # they would be copies
    (path,) = model.paths(1, 3, random)
    apart = np.abs(path[:, None].astype(int) - frames.crops[None]).mean(axis=(2, 3, 4))
    assert apart[0, 0] < 3 < apart[0, 1]
    assert apart[2, 1] < 3 < apart[2, 0]


def test_ours_shows_both_people_in_the_films_size(bench: Any, film: Any) -> None:
    network = network_of(Config.model_validate(OURS)).eval()
    measures = SimpleNamespace(held_by_person=film.held["aligned"])
    model = bench.models.model_of(network, bench.frames.some(film, "aligned", 8), measures)
    random = np.random.default_rng(0)
    assert model.samples(5, random).shape == (5, 64, 64, 3)
    paths = model.paths(2, 4, random)
    assert [path.shape for path in paths] == [(4, 64, 64, 3)] * 2
    assert any((path[0] != path[-1]).any() for path in paths)


@pytest.mark.parametrize(("told", "found"), [(0.5, 0), (None, 3)])
def test_dcgan_has_paths_where_its_samples_show_both(
    bench: Any, film: Any, told: float | None, found: int
) -> None:
    network = network_of(Config.model_validate({"arch": "dcgan", "network": {"width": 1}})).eval()

    def second_person(faces: Any) -> Any:
        return np.arange(len(faces)) % 2.0 if told is None else np.full(len(faces), told)

    measures = SimpleNamespace(second_person=second_person)
    model = bench.models.model_of(network, bench.frames.some(film, "aligned", 8), measures)
    assert len(model.paths(3, 4, np.random.default_rng(0))) == found


def test_ours_is_trained_at_the_films_size(bench: Any) -> None:
    config = bench.nets.config_of("ours", bench.nets._parser().parse_args([]))
    assert side(config) == bench.frames.SIZE
    port = bench.nets.config_of("dcgan", bench.nets._parser().parse_args([])).training()
    assert port.learning_rate == 2e-4


def test_rows_of_another_length_have_a_name_of_their_own(bench: Any) -> None:
    args = bench.nets._parser().parse_args(["--images", "9000"])
    names = [bench.nets.called(bench.nets.config_of(arch, args))
             for arch in ("dcgan", "ours", "warp")]  # fmt: skip
    assert names == ["dcgan_9k", "ours_9k", "warp"]
    usual = bench.nets.config_of("ours", bench.nets._parser().parse_args([]))
    assert bench.nets.called(usual) == "ours"


def test_half_of_the_pixels_are_far_from_all_of_them(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def described(_: Any, faces: Any) -> Any:
        """How much neighbouring pixels differ: what few pixels lose."""
        faces = faces.astype(np.float64)
        rows = np.abs(np.diff(faces, axis=1)).mean(axis=(1, 3))
        return rows / np.linalg.norm(faces.mean(axis=(1, 3)), axis=1, keepdims=True)

    monkeypatch.setattr(bench.measures, "embedder", lambda _: None)
    monkeypatch.setattr(bench.measures, "described", described)
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (4, 40, 64, 64, 3), dtype=np.uint8)
    noise[[1, 3]] //= 2  # the second person is darker
    points = np.zeros((40, 5, 2), np.float32)
    film = bench.frames.Film(
        {"raw": [*noise[:2]]}, {"raw": [points] * 2}, {"raw": [*noise[2:]]}, {"raw": [points] * 2}
    )
    rows = bench.measures.Measures(film, "raw", Path(), 0).floor("two_noisy")
    found = {(row.name, row.arch): row.value for row in rows}
    assert found["fd", "real_32px"] > 10 * found["fd", "real"]


def test_a_finished_training_is_not_done_again(bench: Any, film: Any, tmp_path: Path) -> None:
    words = ["--images", "16", "--batch", "8", "--width", "1", "--work", str(tmp_path)]
    args = bench.nets._parser().parse_args(words)
    config, case = bench.nets.config_of("dcgan", args), bench.nets.Case("drawn", "aligned", 24)
    turns = [list(bench.nets._figures(case, config, film, None, tmp_path)) for _ in range(2)]
    assert turns[0] == turns[1]  # the minutes, too
    assert {row.name for row in turns[0]} == {"health", "d_loss", "g_loss", "train_minutes"}
    assert {(row.arch, row.group) for row in turns[0]} == {("dcgan_w1_0.016k", "aligned-24")}
    (minutes,) = tmp_path.glob("trained/*/minutes.json")
    minutes.unlink()  # as after a kill: what was spent before it is not known
    again = list(bench.nets._figures(case, config, film, None, tmp_path))
    assert [row for row in again if row.name == "train_minutes"] == []


def test_entries_of_the_road_are_settings_of_the_generator(bench: Any) -> None:
    people = {arch: Config.model_validate(entry).people
              for arch, entry in bench.road.ENTRIES.items()}  # fmt: skip
    assert people == {"warp_two": 2, "warp": 3, "warp_four": 4, "ours": 2, "dcgan": 2}
