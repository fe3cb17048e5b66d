from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augment.errors import UserError
from augment.images import decode
from augment.sources.drawn import Config, Source
from augment.vocabulary import group_of_years, parse_age_groups
from tests.unit.layouts import GROUPS, SEED


def source(seed: int = SEED, **settings: Any) -> Source:
    return Source(Config(**settings), Path("anywhere"), GROUPS, seed)


def test_a_face_is_the_same_at_any_time_and_another_with_another_seed() -> None:
    content = source(faces=4, size=48).read("3")
    assert decode(content).shape == (48, 48, 3)
    assert source(faces=90, size=48).read("3") == content
    assert source(seed=8, faces=4, size=48).read("3") != content
    versions = {
        source(faces=4, size=48).version("3"),
        source(faces=4, size=64).version("3"),
        source(seed=8, faces=4, size=48).version("3"),
    }
    assert len(versions) == 3


def test_people_have_one_split_gender_tone_and_age() -> None:
    faces = list(source(faces=300, faces_per_person=4).records())
    traits = {(r.person, r.split, r.age, r.labels["gender"], r.labels["skin_tone"]) for r in faces}
    assert len(traits) == len({r.person for r in faces}) == 75


def test_a_person_is_seen_at_ages_so_many_years_apart() -> None:
    settings: dict[str, Any] = {"faces": 1800, "faces_per_person": 3}
    apart = {}
    for years in (0, 12, 40):
        ages: dict[str, list[float]] = {}
        traits = set()
        for record in source(**settings, years_apart=years).records():
            assert record.person is not None
            assert record.age is not None
            assert record.labels["age_group"] == group_of_years(record.age, GROUPS)
            ages.setdefault(record.person, []).append(record.age)
            traits.add((record.person, record.split, record.labels["gender"],
                        record.labels["skin_tone"]))  # fmt: skip
        assert len(traits) == len(ages) == 600
        apart[years] = [max(own) - min(own) for own in ages.values()]
        assert max(apart[years]) <= years
    assert 4 < np.mean(apart[12]) < 8
    assert 14 < np.mean(apart[40]) < 26
    first = [list(source(**settings, years_apart=y).records())[::3] for y in (0, 40)]
    assert [r.age for r in first[0]] == [r.age for r in first[1]]


@pytest.mark.parametrize("years", [10, 40])
def test_ages_of_one_person_leave_the_skew_and_the_balance_as_they_are(years: float) -> None:
    skew = {"age_group": {"0-2": 0.3, "60-69": 0.4, "70+": 0.15}}
    drawn = source(faces=10_800, faces_per_person=3, test=1 / 6, skew=skew, years_apart=years)
    records = list(drawn.records())
    for turn in range(3):
        own = [record for record in records if int(record.name) % 3 == turn]
        trained = Counter(r.labels["age_group"] for r in own if r.split != "test")
        for group in GROUPS:
            weight = skew["age_group"].get(group.name, 1.0)
            expected = weight / (6 + 0.3 + 0.4 + 0.15)
            share = trained[group.name] / trained.total()
            # 3 standard errors of a share of 3,000 people.
            assert share == pytest.approx(expected, abs=3 * (expected / 3000) ** 0.5)
        keys = ("age_group", "gender", "skin_tone")
        tested = Counter(tuple(r.labels[k] for k in keys) for r in own if r.split == "test")
        assert len(tested) == 180
        assert max(tested.values()) - min(tested.values()) <= 1


def test_splits_have_their_shares_for_any_number_of_people() -> None:
    for people in (40, 200):
        records = source(faces=people, faces_per_person=1, validation=0.1, test=0.25).records()
        counts = Counter(record.split for record in records)
        assert counts == {"train": 0.65 * people, "validation": 0.1 * people, "test": 0.25 * people}


def test_the_test_split_is_balanced_and_the_others_are_skewed() -> None:
    settings = {"faces": 3600, "faces_per_person": 1, "test": 0.25}
    skew = {"age_group": {"70+": 0.0, "0-2": 0.2}, "gender": {"female": 0.25}}
    records = list(source(**settings, skew=skew).records())

    def counts(split: str, *labels: str) -> Counter[Any]:
        rows = (r.labels for r in records if r.split == split)
        return Counter(tuple(row[label] for label in labels) for row in rows)

    bins = counts("test", "age_group", "gender")
    assert len(bins) == 18
    assert set(bins.values()) == {50}
    tones = counts("test", "age_group", "gender", "skin_tone")
    assert (len(tones), set(tones.values())) == (180, {5})
    trained = counts("train", "age_group")
    assert ("70+",) not in trained
    assert trained["0-2",] / trained["3-9",] == pytest.approx(0.2, abs=0.08)
    genders = counts("train", "gender")
    assert genders["female",] / genders["male",] == pytest.approx(0.25, abs=0.05)
    plain = list(source(**settings, skew=skew, test_balanced=False).records())
    assert not any(r.labels["age_group"] == "70+" for r in plain)


def test_attributes_have_their_shares() -> None:
    shares = {"mask": 0.1, "glasses": 0.9, "smiling": 0.0, "mouth_open": 1.0}
    records = list(source(faces=1000, attributes=shares).records())
    for name, share in shares.items():
        for test, expected in ((False, share), (True, 0.5)):
            rows = [record for record in records if (record.split == "test") == test]
            found = sum(record.labels[name] == "yes" for record in rows) / len(rows)
            assert found == pytest.approx(expected, abs=0.07), (name, test)
    everyday = list(source(faces=1000).records())
    assert {record.labels["mask"] for record in everyday} == {"no"}
    beards = {r.labels["gender"] for r in everyday if r.labels["beard"] == "yes"}
    assert beards == {"male"}


def test_labels_can_be_seen(tmp_path: Path) -> None:
    """The part map knows glasses; the colours know the skin."""
    faces = source(faces=40, faces_per_person=1, size=64, attributes={"glasses": 0.5})
    light, dark = [], []
    for record in faces.records():
        parsing, image = faces.parsing(record.uri), decode(faces.read(record.uri))
        assert parsing is not None
        assert (3 in parsing) == (record.labels["glasses"] == "yes")
        tone = int(record.labels["skin_tone"])
        brightness = float(image[parsing == 1].mean())
        (light if tone <= 3 else dark if tone >= 8 else []).append(brightness)
    assert np.mean(light) > np.mean(dark) + 40


def test_ages_stay_inside_of_their_group() -> None:
    groups = parse_age_groups(["0-9", "10-94", "95+"])
    wide = Source(Config(faces=400, faces_per_person=1), Path(), groups, SEED)
    ages = {r.labels["age_group"]: r.age for r in wide.records()}
    assert set(ages) == {"0-9", "10-94"}  # nobody is drawn older than 90
    assert all(r.age is not None and r.age < 91 for r in wide.records())
    apart = Source(Config(faces=400, faces_per_person=4, years_apart=20), Path(), groups, SEED)
    ages_of: dict[str | None, list[float]] = {}
    for record in apart.records():
        assert record.age is not None
        assert record.labels["age_group"] == group_of_years(record.age, groups)
        ages_of.setdefault(record.person, []).append(record.age)
    assert max(max(own) - min(own) for own in ages_of.values()) <= 20


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"skew": {"mask": {"yes": 1}}}, "only age_group, gender and skin_tone"),
        ({"skew": {"gender": {"male": -1}}}, "weights are 0 or more"),
        ({"attributes": {"beard": 0.5}}, "attributes.beard"),
        ({"attributes": {"mask": 2}}, "shares 0 to 1"),
        ({"validation": 0.5, "test": 0.5}, "nobody to train on"),
    ],
)
def test_wrong_settings_are_explained(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Config(**settings)


@pytest.mark.parametrize(
    ("skew", "says"),
    [
        ({"age_group": {"0-9": 0.5}}, "'0-9' is none of 0-2, 3-9"),
        ({"gender": {"woman": 1}}, "'woman' is none of female, male"),
        ({"gender": {"female": 0, "male": 0}}, "weight above 0"),
    ],
)
def test_skewed_values_must_be_there(skew: dict[str, dict[str, float]], says: str) -> None:
    with pytest.raises(UserError, match=says):
        source(skew=skew)
