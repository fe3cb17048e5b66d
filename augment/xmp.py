"""Say inside a picture file that it was made, as IPTC asks for: XMP, a few hundred bytes.

A picture that is copied out of the data set still says what it is. The pixels do not change.
"""

from augment.errors import RowError
from augment.vocabulary import DigitalSourceType

_NEWSCODES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
_START, _APP0, _APP1 = b"\xff\xd8", b"\xff\xe0", b"\xff\xe1"
_PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'i:DigitalSourceType="{uri}"/></rdf:RDF></x:xmpmeta>'
)


def term_uri(term: DigitalSourceType) -> str:
    """The term as its vocabulary writes it."""
    return _NEWSCODES + term


def embed(content: bytes, term: DigitalSourceType) -> bytes:
    """A JPEG file with an XMP packet that names its digital source type.

    Args:
        content: a JPEG file without XMP, as :func:`augment.images.encode` writes it.
        term: of IPTC's vocabulary.

    Raises:
        RowError: ``content`` is no JPEG file.
    """
    if content[:2] != _START:
        raise RowError("XMP can only be written into JPEG files")
    # JFIF wants its own segment first.
    place = 2
    if content[2:4] == _APP0:
        place += 2 + int.from_bytes(content[4:6])
    packet = _HEADER + _PACKET.format(uri=term_uri(term)).encode()
    segment = _APP1 + (len(packet) + 2).to_bytes(2) + packet
    return content[:place] + segment + content[place:]
