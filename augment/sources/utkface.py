"""UTKFace (Zhang, Song & Qi, CVPR 2017), as it ships: all labels stand in the file names,
``[age]_[gender]_[race]_[date&time].jpg`` (``.jpg.chip.jpg`` in the aligned set).

Some names lack a field. What is left is used where it can mean one thing only: in
``39_1_20170116174525125.jpg`` the 1 may be gender or race, so both stay unknown.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from augment.intake.label_tables import joined, read_years
from augment.intake.photo_files import FilesConfig, FileSource, photos_below
from augment.protocols import Record
from augment.vocabulary import UNKNOWN, group_of_years

GENDER_WORDS = {"0": "male", "1": "female"}
ETHNICITY_WORDS = {"0": "white", "1": "black", "2": "asian", "3": "indian", "4": "other"}

# The date may be glued to ".jpg" or stand off by a space: both occur.
_NAME = re.compile(r"(?P<fields>(?:\d*_){0,4})(?P<time>\d{8,}) ?\.?jpe?g", re.IGNORECASE)


class Config(FilesConfig):
    pass


class Source(FileSource):
    licence = "non-commercial research"
    attributes: tuple[str, ...] = ()

    def records(self) -> Iterator[Record]:
        for uri in photos_below(self.root):
            yield self._record(uri)

    def _record(self, uri: str) -> Record:
        match = _NAME.match(PurePosixPath(uri).name)
        fields = match["fields"].split("_")[:-1] if match else []
        if not any(fields):
            return Record(uri, uri, reason="the file name is not [age]_[gender]_[race]_[time]")
        age, age_note = read_years(fields[0])
        gender, ethnicity, note = _gender_and_ethnicity(fields[1:])
        group = UNKNOWN if age is None else group_of_years(age, self.age_groups)
        return Record(
            name=uri,
            uri=uri,
            labels={"age_group": group, "gender": gender, "ethnicity": ethnicity},
            age=age,
            note=joined([age_note, note]),
        )


def _gender_and_ethnicity(fields: list[str]) -> tuple[str, str, str]:
    if len(fields) == 2:
        gender = GENDER_WORDS.get(fields[0], UNKNOWN)
        ethnicity = ETHNICITY_WORDS.get(fields[1], UNKNOWN)
        odd = [
            name for name, value in (("gender", gender), ("race", ethnicity)) if value == UNKNOWN
        ]
        return gender, ethnicity, f"the file name has no usable {' and '.join(odd)}" if odd else ""
    # One number is left for two fields: only those above 1 can be nothing but a race.
    only = fields[0] if len(fields) == 1 and fields[0] not in GENDER_WORDS else ""
    ethnicity = ETHNICITY_WORDS.get(only, UNKNOWN)
    return UNKNOWN, ethnicity, "the file name lacks gender or race"
