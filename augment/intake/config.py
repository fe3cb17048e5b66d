"""The ``ingest`` section of params.yaml and the sources that it names: ingest and align read it."""

import re
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from augment.errors import UserError
from augment.params import Section
from augment.plugins import configure
from augment.protocols import Source
from augment.vocabulary import AGE_GROUPS, parse_age_groups


class Split(Section):
    """Shares of the faces of a data set that comes without such a split of its own."""

    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)

    @model_validator(mode="after")
    def _leaves_some(self) -> "Split":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test leave nothing to train on")
        return self


class Intake(Section):
    """The section ``ingest``."""

    data: Path  # the folder of all data sets
    sources: dict[str, dict[str, Any]]  # key -> {kind: …, the settings of that kind}
    age_groups: tuple[str, ...] = AGE_GROUPS
    split: Split = Split()
    shards: int = Field(default=16, ge=1, le=4096)

    @field_validator("sources")
    @classmethod
    def _usable_keys(cls, sources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if not sources:
            raise ValueError("name at least one source")
        for key in sources:
            # A key is the first part of every row's id.
            if not re.fullmatch(r"\w[\w.-]*", key, re.ASCII):
                raise ValueError(f"'{key}': use letters, digits, '_', '-' and '.' in names")
        return sources


def open_sources(config: Intake, seed: int) -> dict[str, Source]:
    """The sources by key.

    Raises:
        UserError: wrong settings, or a folder or label file that is not there.
    """
    groups = parse_age_groups(config.age_groups)
    if not config.data.exists():
        raise UserError(
            f"ingest.data: {config.data} does not exist; name the folder that holds your data sets."
        )
    opened: dict[str, Source] = {}
    for key, entry in config.sources.items():
        module, settings = configure("sources", entry, f"ingest.sources.{key}")
        opened[key] = module.Source(settings, config.data, groups, seed)
    return opened
