"""The paper's auto-encoder: its layers, and that it learns; what it repaints is soft."""

from pathlib import Path

import numpy as np
import torch

from augment.generators.mask import Config, Generator
from augment.generators.mask.cae import FixedPairs, PaperNet, repaint
from augment.nets.blocks import parameters
from augment.nets.data import load_faces
from augment.params import validate
from tests.unit.aligned_faces import face_picture, request, write_faces

TINY = {"arch": "cae", "cae": {"bottleneck": 12, "epochs": 12, "batch": 8}}


def test_the_layers_are_the_papers() -> None:
    with torch.device("meta"):  # 1.1 GiB otherwise
        network = PaperNet(2500)
    counts = {name: parameters(part) for name, part in network.named_children()}
    assert counts == {
        "conv1": 448,
        "conv2": 2_320,
        "encode": 144_002_500,
        "decode": 144_057_600,
        "transposed1": 2_320,
        "transposed2": 435,
    }
    assert sum(counts.values()) == 288_065_623


def test_it_gives_pictures_of_64_pixels_in_range() -> None:
    made = PaperNet(4)(torch.rand(2, 3, 64, 64))
    assert made.shape == (2, 3, 64, 64)
    assert 0 <= float(made.min().detach()) <= float(made.max().detach()) <= 1


def test_other_sizes_go_down_or_up_and_come_back() -> None:
    network = PaperNet(4).eval()
    with torch.inference_mode():
        made = repaint(network, [face_picture(n, size)[0] for n, size in enumerate((32, 64, 96))])
    assert [image.shape for image in made] == [(32, 32, 3), (64, 64, 3), (96, 96, 3)]
    assert all(image.dtype == np.uint8 for image in made)


def test_each_face_has_one_painted_target(tmp_path: Path) -> None:
    faces = load_faces(write_faces(tmp_path / "aligned", 6))
    network = PaperNet(4)
    step, again = FixedPairs(faces, 7, network), FixedPairs(faces, 7, network)
    other = FixedPairs(faces, 8, network)
    places, random = np.arange(6), np.random.default_rng(0)
    losses = [float(one(places, random)["loss"].detach()) for one in (step, again, step, other)]
    assert losses[0] == losses[1] == losses[2] != losses[3]


def test_it_learns_and_repaints_the_whole_face(tmp_path: Path) -> None:
    generator = Generator(validate(Config, TINY, "generators.mask"))
    faces = write_faces(tmp_path / "aligned", 24)
    generator.train(faces, tmp_path / "model", 7, tmp_path / "work")
    generator.load(tmp_path / "model")
    history = (tmp_path / "model/history.json").read_text()
    assert history.count("loss") >= 12
    requests = [request(number, seed=number) for number in range(20)]
    made = generator.make(requests)
    for asked, one in zip(requests, made, strict=True):
        assert one.image is not None
        assert one.steps == ("repainted with a mask",)
        before = asked.parents[0].image
        assert (one.image != before).any(-1).mean() > 0.9  # the paper's weakness: nothing is kept
    (alone,) = generator.make(requests[3:4])
    np.testing.assert_array_equal(alone.image, made[3].image)
    assert generator.digital_source_type == "trainedAlgorithmicMedia"
