from pathlib import Path

import pytest

from augment.errors import UserError
from augment.job import Job
from augment.params import Section


class Config(Section):
    size: int = 64


def job(**params: object) -> Job:
    return Job("align", None, params, 7, {"index": Path("data/index")}, {})


def test_config_of_its_own_section() -> None:
    assert job(align={"size": 8}).config(Config).size == 8
    assert job(align=None).config(Config) == Config()


def test_config_at_a_path() -> None:
    assert job(align={"detector": {"size": 9}}).config(Config, "align.detector").size == 9


def test_wrong_key_and_missing_section() -> None:
    with pytest.raises(UserError, match=r"align\.siz: unknown key; did you mean 'size'"):
        job(align={"siz": 8}).config(Config)
    with pytest.raises(UserError, match="no section 'audit'"):
        job(align={}).config(Config, "audit")
