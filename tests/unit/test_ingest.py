import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image as PillowImage

from augment.engine import Engine
from augment.errors import UserError
from augment.images import decode, difference_hash
from augment.intake.predictions import Prediction, write_predictions
from augment.job import Job
from augment.schema import Labels, index_schema
from augment.shards import read_schema, read_table, shard_paths
from augment.stages import ingest
from tests.unit.layouts import LAYOUTS, photo, write


def job_of(folder: Path, sources: dict[str, Any], **settings: Any) -> Job:
    section = {"data": str(folder / "data"), "sources": sources, "shards": 3, **settings}
    engine = Engine("inline", cache=folder / "cache", progress=False)
    return Job("ingest", None, {"ingest": section}, 7, {}, {"index": folder / "index"}, engine)


def ingested(folder: Path, sources: dict[str, Any], **settings: Any) -> dict[str, dict[str, Any]]:
    ingest.run(job_of(folder, sources, **settings))
    return {row["id"]: row for row in read_table(folder / "index").to_pylist()}


def mine(folder: Path, table: str = "", **pictures: bytes) -> dict[str, Any]:
    """A folder source of these pictures; ``a_jpg`` is a.jpg."""
    for name, content in pictures.items():
        write(folder / "data" / "mine" / name.replace("_", "."), content)
    if not table:
        return {"mine": {"kind": "folder", "root": "mine"}}
    write(folder / "data" / "mine" / "labels.csv", table)
    columns = {name: name for name in table.partition("\n")[0].split(",")}
    return {"mine": {"kind": "folder", "root": "mine", "table": "labels.csv", "columns": columns}}


def test_an_index_row_has_everything(tmp_path: Path) -> None:
    sources = mine(
        tmp_path,
        "file,age,gender,mask\na.jpg,24,male,\nb.jpg,25,,no\n",
        a_jpg=photo(1),
        b_jpg=photo(2),
    )
    sources["mine"] |= {"licence": "CC0", "assume": {"gender": "female", "glasses": "no"}}
    rows = ingested(tmp_path, sources)
    assert read_schema(tmp_path / "index").equals(index_schema(Labels(("mask", "glasses"))))
    row = rows["mine/a.jpg"]
    assert (row["source"], row["uri"], row["licence"]) == ("mine", "a.jpg", "CC0")
    assert (row["status"], row["reason"], row["note"]) == ("ok", "", "")
    assert (row["width"], row["height"], len(row["sha256"])) == (32, 40, 64)
    assert row["photo_hash"] == difference_hash(decode(photo(1)))
    assert (row["age"], row["age_group"], row["ethnicity"]) == (24.0, "20-29", "unknown")
    assert row["label_origin"] == {
        "age_group": "given", "gender": "given", "ethnicity": "unknown", "skin_tone": "unknown",
        "mask": "unknown", "glasses": "assumed",
    }  # fmt: skip
    # Assumed labels fill what the data set leaves open, and say so.
    other = rows["mine/b.jpg"]
    assert (other["gender"], other["label_origin"]["gender"]) == ("female", "assumed")
    assert (other["mask"], other["label_origin"]["mask"]) == ("no", "given")


def test_all_layouts_together_make_one_index(tmp_path: Path) -> None:
    sources = {}
    for kind, (build, settings) in LAYOUTS.items():
        build(tmp_path / "data" / kind)
        root = {} if kind == "drawn" else {"root": kind}
        sources[f"my_{kind}"] = {"kind": kind, **root, **settings}
    rows = ingested(tmp_path, sources)
    assert {row["source"] for row in rows.values()} == set(sources)
    assert len(rows) == 3 + 2 + 5 + 4 + 3 + 3 + 3 + 5 + 13
    assert {row["status"] for row in rows.values()} <= {"ok", "set_aside"}
    columns = Labels.of(read_schema(tmp_path / "index")).attributes
    assert columns == (
        "glasses", "beard", "wavy_hair", "mask", "smiling", "mouth_open"
    )  # fmt: skip
    assert {row["beard"] for row in rows.values()} == {"yes", "no", "unknown"}


def test_several_bad_files_and_one_good_one(tmp_path: Path, capsys: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = io.BytesIO()
    PillowImage.fromarray(noise).save(file, "JPEG")
    sources = mine(
        tmp_path,
        good_jpg=photo(1),
        empty_jpg=b"",
        text_jpg=b"hello " * 100,
        cut_jpg=file.getvalue()[: len(file.getvalue()) // 2],
        bomb_png=bomb(),
    )
    (tmp_path / "data/mine/dangling.jpg").symlink_to(tmp_path / "data/mine/gone.jpg")
    rows = ingested(tmp_path, sources)
    reasons = {row["uri"]: row["reason"] for row in rows.values()}
    assert reasons.pop("good.jpg") == ""
    assert reasons == {
        "empty.jpg": "the file is empty",
        "text.jpg": "the file is not a picture that can be read",
        "cut.jpg": reasons["cut.jpg"],
        "bomb.png": "the picture is larger than 64,000,000 pixels",
        "dangling.jpg": "the file is missing",
    }
    assert "cannot be decoded" in reasons["cut.jpg"]
    bad = rows["mine/text.jpg"]
    assert (bad["status"], bad["width"], bad["photo_hash"]) == ("set_aside", 0, None)
    assert bad["split"] in ("train", "validation", "test")
    said = capsys.readouterr().err
    assert "mine: 6 rows, 1 usable" in said
    assert "set aside 1: the file is empty" in said


def bomb() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_unusual_pictures_are_usable_and_measured_upright(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    picture = PillowImage.open(io.BytesIO(photo(3, height=40, width=32)))

    def stored(image: PillowImage.Image, kind: str, **options: Any) -> bytes:
        file = io.BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    rows = ingested(
        tmp_path,
        mine(
            tmp_path,
            turned_jpg=stored(picture, "JPEG", exif=exif.tobytes()),
            cmyk_jpg=stored(picture.convert("CMYK"), "JPEG"),
            grey_jpg=stored(picture.convert("L"), "JPEG"),
            rgba_png=stored(picture.convert("RGBA"), "PNG"),
            palette_png=stored(picture.convert("P"), "PNG"),
            animated_gif=stored(picture, "GIF", save_all=True, append_images=[picture]),
        ),
    )
    assert {row["status"] for row in rows.values()} == {"ok"}
    sizes = {row["uri"]: (row["width"], row["height"]) for row in rows.values()}
    assert sizes.pop("turned.jpg") == (40, 32)
    assert set(sizes.values()) == {(32, 40)}


def test_paths_out_of_the_folder_are_rows_with_a_reason(tmp_path: Path) -> None:
    write(tmp_path / "data/secret.jpg", photo(9))
    table = "file,age\na.jpg,3\n../secret.jpg,4\n/etc/passwd,5\nnone.jpg,6\n"
    rows = ingested(tmp_path, mine(tmp_path, table, a_jpg=photo(1)))
    assert len(rows) == 4
    assert "outside" in rows["mine/../secret.jpg"]["reason"]
    assert "outside" in rows["mine//etc/passwd"]["reason"]
    assert rows["mine/none.jpg"]["reason"] == "the file is missing"
    assert rows["mine/../secret.jpg"]["sha256"] == ""


def test_copies_share_a_split_and_conflicts_are_set_aside(tmp_path: Path) -> None:
    table = "file,age,split\n" + "".join(
        f"{name}.jpg,{age},{split}\n"
        for name, age, split in [
            ("a", 3, "train"), ("b", 3, "test"), ("c", 4, "train"), ("d", 5, "train"),
            ("e", 6, "train"), ("f", 7, "validation"),
        ]
    )  # fmt: skip
    again = io.BytesIO()
    PillowImage.open(io.BytesIO(photo(2, 80, 80))).resize((60, 60)).save(again, "JPEG", quality=80)
    rows = ingested(
        tmp_path,
        mine(tmp_path, table, a_jpg=photo(1), b_jpg=photo(1), c_jpg=photo(3), d_jpg=photo(3),
             e_jpg=photo(2, 80, 80), f_jpg=again.getvalue()),
    )  # fmt: skip
    row = {name[5]: rows[name] for name in rows}
    assert row["a"]["split"] == row["b"]["split"] == "test"
    assert row["a"]["note"] == (
        "same file as 'mine/b.jpg'; moved to test, where the person or the same photo is"
    )
    assert row["a"]["group"] == row["b"]["group"] == "mine/a.jpg"
    assert (row["a"]["status"], row["a"]["half"]) == ("ok", None)
    assert {row["c"]["status"], row["d"]["status"]} == {"set_aside"}
    assert row["c"]["reason"].endswith("with other labels: age")
    assert row["e"]["split"] == "validation"  # nearly the photo f
    assert row["e"]["sha256"] != row["f"]["sha256"]


def test_rows_do_not_depend_on_engine_or_shards(tmp_path: Path) -> None:
    names = {f"p{number}_jpg": photo(number) for number in range(250)}
    sources = mine(tmp_path, **names)
    rows = ingested(tmp_path, sources)
    job = job_of(tmp_path, sources, shards=5)
    pool = Engine("pool", workers=2, cache=tmp_path / "other", progress=False)
    ingest.run(Job(**{**vars(job), "engine": pool}))
    again = {row["id"]: row for row in read_table(tmp_path / "index").to_pylist()}
    assert again == rows
    assert len(shard_paths(tmp_path / "index")) == 5


def test_only_new_and_changed_files_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = mine(tmp_path, a_jpg=photo(1), b_jpg=photo(2))
    before = ingested(tmp_path, sources)
    read: list[str] = []
    original = ingest.ReadPhoto._read

    def counted(self: ingest.ReadPhoto, uri: str) -> dict[str, Any]:
        read.append(uri)
        return original(self, uri)

    monkeypatch.setattr(ingest.ReadPhoto, "_read", counted)
    mine(tmp_path, b_jpg=photo(5), c_jpg=photo(3))
    after = ingested(tmp_path, sources)
    assert sorted(read) == ["b.jpg", "c.jpg"]
    assert after["mine/a.jpg"] == before["mine/a.jpg"]
    assert after["mine/b.jpg"]["sha256"] != before["mine/b.jpg"]["sha256"]


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ({"mine": {"kind": "folder", "root": "empty"}}, "ingest.sources.mine: it holds no picture"),
        ({"mine": {"kind": "folder", "root": "nowhere"}}, "nowhere is no folder"),
        (
            {"mine": {"kind": "folder", "root": "one", "table": "no.csv"}},
            r"ingest.sources.mine: the label table .*no.csv is missing",
        ),
        ({"mine": {"kind": "foldr"}}, "There are: celeba"),
        ({"mine": {"kind": "folder", "rot": "x"}}, "did you mean 'root'"),
        ({"my/ne": {"kind": "folder"}}, "use letters"),
        ({}, "name at least one source"),
        (
            {"mine": {"kind": "folder", "root": "one", "assume": {"age_group": "3-10"}}},
            "'3-10' is none of 0-2",
        ),
        (
            {"mine": {"kind": "folder", "root": "one", "folders": ["box"]}},
            "an attribute cannot be called 'box'",
        ),
    ],
)
def test_wrong_params_are_explained(tmp_path: Path, sources: dict[str, Any], says: str) -> None:
    (tmp_path / "data/empty").mkdir(parents=True)
    write(tmp_path / "data/one/a.jpg", photo(1))
    with pytest.raises(UserError, match=says):
        ingested(tmp_path, sources)
    assert not (tmp_path / "index").exists()


def test_no_usable_picture_at_all_is_an_error_with_the_commonest_reason(tmp_path: Path) -> None:
    sources = mine(tmp_path, a_jpg=b"", b_jpg=b"", c_jpg=b"text")
    with pytest.raises(UserError, match=r"none of the 3 pictures .* 2 of them: the file is empty"):
        ingested(tmp_path, sources)


def test_a_missing_data_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ingest\.data: .*data does not exist"):
        ingested(tmp_path, {"mine": {"kind": "folder"}})


def test_age_groups_are_those_of_params(tmp_path: Path) -> None:
    sources = mine(tmp_path, "file,age\na.jpg,24\n", a_jpg=photo(1))
    rows = ingested(tmp_path, sources, age_groups=["0-17", "18+"])
    assert rows["mine/a.jpg"]["age_group"] == "18+"
    assert Labels.of(read_schema(tmp_path / "index")).age_groups == ("0-17", "18+")
    with pytest.raises(UserError, match="leaves a gap"):
        ingested(tmp_path, sources, age_groups=["0-17", "19+"])


def test_the_index_is_an_arrow_table_of_its_schema(tmp_path: Path) -> None:
    ingested(tmp_path, mine(tmp_path, a_jpg=photo(1)))
    table = read_table(tmp_path / "index")
    assert table.schema.field("photo_hash").type == pa.binary(32)
    assert table.column("split").null_count == 0


def test_guessed_age_groups_fill_what_is_not_labelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "file,age,gender\na.jpg,24,male\nb.jpg,,female\nc.jpg,,female\n"
    sources = mine(tmp_path, table, a_jpg=photo(1), b_jpg=photo(2), c_jpg=photo(3))
    job = job_of(tmp_path, sources, split={"validation": 0, "test": 0})
    ingest.run(job)
    rows = {row["id"]: row for row in read_table(tmp_path / "index").to_pylist()}
    job.inputs["predicted.csv"] = tmp_path / "predicted.csv"  # type: ignore[index]
    guesses = [
        Prediction(name, "age_group", "70+", 0.9, "age 1", rows[name]["sha256"])
        for name in ("mine/a.jpg", "mine/b.jpg")
    ]
    write_predictions(tmp_path / "predicted.csv", guesses)
    ingest.run(job)
    found = {row["id"]: row for row in read_table(tmp_path / "index").to_pylist()}
    groups = {name: row["age_group"] for name, row in found.items()}
    assert groups == {"mine/a.jpg": "20-29", "mine/b.jpg": "70+", "mine/c.jpg": "unknown"}
    origins = {name: row["label_origin"]["age_group"] for name, row in found.items()}
    assert origins == {
        "mine/a.jpg": "given", "mine/b.jpg": "predicted", "mine/c.jpg": "unknown"
    }  # fmt: skip
    assert found["mine/b.jpg"]["age"] is None
    assert "2 predicted labels: 1 labelled by now, 1 filled in" in capsys.readouterr().err
