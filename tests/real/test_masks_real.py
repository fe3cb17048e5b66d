"""The mask generator on photos: real pairs are read, the painter's outline fits, templates load."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from augment.errors import UserError
from augment.generators.mask.config import Pairs
from augment.generators.mask.layout import read_templates
from augment.generators.mask.painter import drape, paint
from augment.generators.mask.pairs import RealPair, names_of, read_pairs
from augment.generators.mask.style import Style
from augment.generators.mask.training import usual_shapes, worn_shape
from augment.types import FloatArray

DATA = Path(os.environ.get("FACES_DATA", Path(__file__).parents[3] / "shared" / "data"))
MASKED = DATA / "masked"
#: Eyes, nose tip and mouth corners in a tight crop of 64 pixels.
REFERENCE: FloatArray = np.array(
    [[21.9, 29.5], [42.0, 29.4], [32.0, 41.0], [23.7, 52.8], [40.4, 52.7]], np.float32
)

pytestmark = pytest.mark.skipif(
    not (MASKED / "pairs").is_dir(), reason=f"needs photos below {MASKED} (or FACES_DATA)"
)


@pytest.fixture(scope="module")
def pairs() -> list[RealPair]:
    config = Pairs(unmasked=MASKED / "pairs/unmasked", masked=MASKED / "pairs/masked")
    with pytest.raises(UserError) as refused:
        names_of(config)
    found = re.search("[0-9a-f]{64}", str(refused.value))
    assert found
    signed = config.model_copy(update={"sha256": found[0]})
    kept, sentences = read_pairs(signed, REFERENCE, 64)
    assert len(kept) + len(sentences) == len(names_of(signed))
    assert all(": " in sentence for sentence in sentences)
    return kept


def test_nearly_all_real_pairs_are_read(pairs: list[RealPair]) -> None:
    assert len(pairs) > 160


def test_the_painters_mask_lies_where_real_ones_do(pairs: list[RealPair]) -> None:
    some = pairs[::4]
    shapes = usual_shapes([worn_shape(pair.bare, pair.points, pair.alpha) for pair in some])
    overlaps = []
    for pair, shape in zip(some, shapes, strict=True):
        drawn, true = drape(pair.bare, pair.points, shape).cover > 0.5, pair.alpha > 0.5
        overlaps.append((drawn & true).sum() / (drawn | true).sum())
    assert np.mean(overlaps) > 0.75


def test_a_white_mask_is_brighter_than_the_skin_beside_it(pairs: list[RealPair]) -> None:
    """Whatever the skin: a white mask is no greyer for it than the light is."""
    white = Style("surgical", (230, 232, 234))
    brighter = []
    for pair in pairs[::4]:
        painted = paint(pair.bare, pair.points, white)
        inside = painted.cover > 0.99
        brighter.append(painted.image[inside].mean() > pair.bare[inside].mean())
    assert np.mean(brighter) > 0.9


def test_the_templates_of_masktheface_are_read() -> None:
    templates = read_templates(MASKED / "templates")
    assert [len(template.views) for template in templates] == [3] * 7  # before, left, right
