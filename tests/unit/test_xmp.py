import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as PillowImage

from augment.errors import RowError
from augment.images import decode, encode
from augment.vocabulary import SOURCE_TYPES, DigitalSourceType
from augment.xmp import embed, term_uri

PICTURE = np.random.default_rng(7).integers(0, 255, (16, 16, 3), dtype=np.uint8)
PROPERTY = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


@pytest.mark.parametrize("term", SOURCE_TYPES)
def test_other_programs_read_the_source_type(term: DigitalSourceType) -> None:
    marked = PillowImage.open(io.BytesIO(embed(encode(PICTURE), term)))
    marked.load()
    packet = ElementTree.fromstring(marked.info["xmp"].decode())
    assert [node.get(PROPERTY) for node in packet.iter() if node.get(PROPERTY)] == [term_uri(term)]
    assert marked.info["jfif"]


def test_the_pixels_stay() -> None:
    plain = encode(PICTURE)
    np.testing.assert_array_equal(decode(embed(plain, "trainedAlgorithmicMedia")), decode(plain))
    assert len(embed(plain, "trainedAlgorithmicMedia")) < len(plain) + 500


def test_a_file_without_a_jfif_segment() -> None:
    plain = encode(PICTURE)
    bare = plain[:2] + plain[4 + int.from_bytes(plain[4:6]) :]
    marked = PillowImage.open(io.BytesIO(embed(bare, "algorithmicallyEnhanced")))
    assert b"algorithmicallyEnhanced" in marked.info["xmp"]


def test_only_jpeg_is_marked() -> None:
    with pytest.raises(RowError, match="JPEG"):
        embed(b"\x89PNG....", "algorithmicallyEnhanced")
