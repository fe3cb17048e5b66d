"""CelebA (Liu et al., ICCV 2015), as it ships: photos in ``img_align_celeba/``, labels in
``list_attr_celeba.txt``, people in ``identity_CelebA.txt``, splits in ``list_eval_partition.txt``;
all in one folder, or in the official ``Img/``, ``Anno/`` and ``Eval/``.
"""

from collections.abc import Iterator
from pathlib import Path

from augment.errors import UserError
from augment.intake.celeba_words import our_names, read_attribute_list, read_attribute_names
from augment.intake.label_tables import joined, look_up, read_pairs
from augment.intake.photo_files import FilesConfig, FileSource, photos_below
from augment.protocols import Record
from augment.vocabulary import UNKNOWN, AgeGroup

# Gender and attribute words stand in augment/intake/celeba_words.py.
SPLIT_WORDS = {"0": "train", "1": "validation", "2": "test"}

PHOTO_FOLDERS = ("img_align_celeba", "Img/img_align_celeba", "img_celeba", "Img/img_celeba")
ATTRIBUTE_FILES = ("list_attr_celeba.txt", "Anno/list_attr_celeba.txt")
IDENTITY_FILES = ("identity_CelebA.txt", "Anno/identity_CelebA.txt")
PARTITION_FILES = ("list_eval_partition.txt", "Eval/list_eval_partition.txt")


class Config(FilesConfig):
    pass


class Source(FileSource):
    licence = "non-commercial research, no redistribution"

    def __init__(
        self, config: FilesConfig, data: Path, age_groups: tuple[AgeGroup, ...], seed: int
    ) -> None:
        super().__init__(config, data, age_groups, seed)
        self.attributes = our_names(read_attribute_names(self._file(ATTRIBUTE_FILES)))

    def records(self) -> Iterator[Record]:
        photos = self._file(PHOTO_FOLDERS).relative_to(self.root).as_posix()
        listed = read_attribute_list(self._file(ATTRIBUTE_FILES))
        people, splits = self._pairs(IDENTITY_FILES), self._pairs(PARTITION_FILES)
        files = dict.fromkeys(listed.lines.rows)
        files |= {uri.removeprefix(f"{photos}/"): None for uri in photos_below(self.root, photos)}
        for file in files:
            labels, remark = listed.labels(file)
            split, split_note = look_up("split", splits.get(file, ""), SPLIT_WORDS)
            yield Record(
                name=file,
                uri=f"{photos}/{file}",
                labels=labels,
                person=people.get(file),
                split=None if split == UNKNOWN else split,
                note=joined([remark.note, split_note]),
                reason=remark.reason,
            )

    def _file(self, names: tuple[str, ...]) -> Path:
        """The first of these files or folders that is there."""
        found = next((self.root / name for name in names if (self.root / name).exists()), None)
        if found is None:
            raise UserError(f"{self.root} holds no {names[0]}: is it CelebA's folder?")
        return found

    def _pairs(self, names: tuple[str, ...]) -> dict[str, str]:
        there = any((self.root / name).exists() for name in names)
        return read_pairs(self._file(names)) if there else {}
