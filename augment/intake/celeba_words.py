"""The 40 attributes of CelebA, which CelebA and CelebAMask-HQ list in one form, in our words.

The form: a count, a line of attribute names, then a line ``file 1 -1 …`` a photo; 1 and -1 are yes
and no.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

from augment.errors import UserError
from augment.intake.label_tables import Keyed, Read, Remark, by_key, joined, look_up, text_lines
from augment.vocabulary import NO, UNKNOWN, YES

#: "Male" is the gender as labelled. There is neither age (only "Young") nor ethnicity.
GENDER_ATTRIBUTE = "Male"
GENDER_WORDS = {YES: "male", NO: "female", UNKNOWN: UNKNOWN}
VALUE_WORDS = {"1": YES, "-1": NO}
#: Attributes that other data sets have too, by the name they have here. All others keep their own,
#: in lower case: "Wavy_Hair" is wavy_hair.
ATTRIBUTE_WORDS = {
    "Eyeglasses": "glasses",
    "Mouth_Slightly_Open": "mouth_open",
    "Wearing_Hat": "hat",
    "Heavy_Makeup": "makeup",
    "Wearing_Earrings": "earrings",
    "Wearing_Lipstick": "lipstick",
    "Wearing_Necklace": "necklace",
    "Wearing_Necktie": "necktie",
    "5_o_Clock_Shadow": "five_o_clock_shadow",
}
#: Attributes that say the opposite of ours.
INVERTED_WORDS = {"No_Beard": "beard"}
OPPOSITE = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}


def our_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The attributes that listed names become, without the gender."""
    return tuple(_our_name(name) for name in names if name != GENDER_ATTRIBUTE)


@dataclass(frozen=True)
class AttributeList:
    """The photos' attributes; taken apart a photo at a time, to keep memory small."""

    names: tuple[str, ...]
    lines: Keyed  # rows {"file": "000001.jpg", "values": "1 -1 …"}

    def labels(self, file: str) -> tuple[dict[str, str], Remark]:
        """Gender and attributes of one photo, and what is odd about them."""
        if file not in self.lines.rows:
            return {}, Remark(note="no row in the attribute list")
        remark = self.lines.remark(file)
        words = self.lines.rows[file]["values"].split()
        if len(words) != len(self.names):
            reason = f"its attribute line has {len(words)} values, not {len(self.names)}"
            return {}, Remark(remark.note, remark.reason or reason)
        read = [_read(name, word) for name, word in zip(self.names, words, strict=True)]
        note = joined([remark.note, *(note for _, note in read)])
        labels = dict(
            _label(name, value) for name, (value, _) in zip(self.names, read, strict=True)
        )
        return labels, Remark(note, remark.reason)


def read_attribute_names(path: Path) -> tuple[str, ...]:
    """The attributes that a file lists, by their own names.

    Raises:
        UserError: it is missing, unreadable, or its second line holds no names.
    """
    count, names = [*itertools.islice(text_lines(path), 2), "", ""][:2]
    if not count.strip().isdigit() or not names.split():
        raise UserError(
            f"{path} does not begin with a number of files and a line of attribute names."
        )
    return tuple(names.split())


def read_attribute_list(path: Path) -> AttributeList:
    """A whole file of attributes.

    Raises:
        UserError: as :func:`read_attribute_names`.
    """
    names = read_attribute_names(path)
    lines = itertools.islice(text_lines(path), 2, None)
    parted = (line.strip().partition(" ") for line in lines if line.strip())
    rows = ({"file": file, "values": values} for file, _, values in parted)
    return AttributeList(names, by_key(rows, "file"))


def _read(name: str, word: str) -> Read:
    # Eight million of these words in CelebA: the two usual ones go the short way.
    usual = VALUE_WORDS.get(word)
    return (usual, "") if usual is not None else look_up(name, word, VALUE_WORDS)


def _our_name(name: str) -> str:
    return INVERTED_WORDS.get(name) or ATTRIBUTE_WORDS.get(name) or name.lower()


def _label(name: str, value: str) -> tuple[str, str]:
    if name == GENDER_ATTRIBUTE:
        return "gender", GENDER_WORDS[value]
    return _our_name(name), OPPOSITE[value] if name in INVERTED_WORDS else value
