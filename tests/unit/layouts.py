"""Tiny data sets in the official layouts, with random pictures: what every source is tested on."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage

from augment.images import encode
from augment.vocabulary import AGE_GROUPS, parse_age_groups

GROUPS = parse_age_groups(AGE_GROUPS)
SEED = 7


def photo(number: int, height: int = 40, width: int = 32) -> bytes:
    """A JPEG of smooth random colours; other numbers give other pictures."""
    rng = np.random.default_rng(number)
    small = PillowImage.fromarray(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8))
    return encode(np.asarray(small.resize((width, height), PillowImage.Resampling.BICUBIC)))


def png(pixels: np.ndarray[Any, np.dtype[Any]]) -> bytes:
    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def fairface(root: Path) -> None:
    head = "file,age,gender,race,service_test\n"
    write(
        root / "fairface_label_train.csv",
        head
        + "train/1.jpg,50-59,Male,East Asian,True\n"
        + "train/2.jpg,03-Sep,Female,Latino_Hispanic,False\n"
        + "train/3.jpg,more than 70,Female,Black,False\n",
    )
    write(root / "fairface_label_val.csv", head + "val/1.jpg,10-19,Male,White,True\n")
    for number, name in enumerate(("train/1", "train/2", "train/3", "val/1")):
        write(root / f"{name}.jpg", photo(number))


def utkface(root: Path) -> None:
    names = (
        "26_1_2_20170116184024662.jpg.chip.jpg",
        "1_0_4_20161219140642920.jpg.chip.jpg",
        "24_0_1_20170116220224657 .jpg.chip.jpg",
        "55_0_0_20170116232725357jpg.chip.jpg",
        "39_1_20170116174525125.jpg.chip.jpg",
    )
    for number, name in enumerate(names):
        write(root / name, photo(number))


def lfw(root: Path) -> None:
    write(root / "gender.csv", "person,gender\nAda_Able,female\nBo_Best,male\n")
    for number, name in enumerate(("Ada_Able_0001", "Ada_Able_0002", "Bo_Best_0001")):
        write(root / "lfw-deepfunneled" / name[:-5] / f"{name}.jpg", photo(number))


ATTRIBUTES = "Eyeglasses Male No_Beard Wavy_Hair"


def celeba(root: Path) -> None:
    write(
        root / "list_attr_celeba.txt",
        f"3\n{ATTRIBUTES} \n"
        "000001.jpg  1 -1  1 -1\n000002.jpg -1  1 -1  1\n000003.jpg -1 -1  1 -1\n",
    )
    write(root / "identity_CelebA.txt", "000001.jpg 10\n000002.jpg 11\n000003.jpg 10\n")
    write(root / "list_eval_partition.txt", "000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n")
    for number in (1, 2, 3):
        write(root / "img_align_celeba" / f"00000{number}.jpg", photo(number))


def celebamask_hq(root: Path) -> None:
    write(
        root / "CelebAMask-HQ-attribute-anno.txt",
        f"2\n{ATTRIBUTES}\n0.jpg  1 -1  1 -1\n2001.jpg  -1 1  -1 1\n",
    )
    skin, nose, hair = (np.zeros((32, 32), np.uint8) for _ in range(3))
    skin[8:24, 8:24], nose[14:18, 14:18], hair[0:10, 8:24] = 255, 255, 255
    for number in (0, 2001):
        write(root / "CelebA-HQ-img" / f"{number}.jpg", photo(number, 64, 64))
        folder = root / "CelebAMask-HQ-mask-anno" / str(number // 2000)
        for part, covered in (("skin", skin), ("nose", nose), ("hair", hair)):
            write(folder / f"{number:05d}_{part}.png", png(covered))


def ffhq_aging(root: Path) -> None:
    write(
        root / "ffhq_aging_labels.csv",
        "image_number,age_group,age_group_confidence,gender,gender_confidence,head_pitch,head_roll,"
        "head_yaw,left_eye_occluded,right_eye_occluded,glasses\n"
        "0,0-2,1.0,male,0.9,1,2,3,4,5,None\n"
        "1,50-69,0.8,female,0.9,1,2,3,4,5,Normal\n"
        "1001,70-120,0.8,female,0.9,1,2,3,4,5,Dark\n",
    )
    for number in (0, 1, 1001):
        pixels = np.asarray(PillowImage.open(io.BytesIO(photo(number))))
        folder = f"{number - number % 1000:05d}"
        write(root / "ffhq_aging256x256" / folder / f"{number:05d}.png", png(pixels))


def folder(root: Path) -> None:
    write(
        root / "labels.csv",
        "photo,years,sex,who,shades,part\na/1.jpg,24,w,ann,yes,train\na/2.jpg,71.5,m,ben,no,test\n"
        "b/3.jpg,,w,ann,,\n",
    )
    for number, name in enumerate(("a/1.jpg", "a/2.jpg", "b/3.jpg")):
        write(root / name, photo(number))


def film(path: Path, frames: int, rate: float = 24.0, cut: int | None = None) -> None:
    """A clip whose frames differ: a bright square wanders; ``cut`` bytes of it are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coder = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), coder, rate, (64, 48))
    for number in range(frames):
        pixels = np.full((48, 64, 3), 40 + number % 100, np.uint8)
        across = (3 * number) % 48
        pixels[10:26, across : across + 16] = (200, 180, 160)
        writer.write(pixels)
    writer.release()
    if cut is not None:
        path.write_bytes(path.read_bytes()[:cut])


def video(root: Path) -> None:
    write(root / "clips.csv", "file,person,sex,shades\nann.avi,ann,w,yes\n")
    film(root / "ann.avi", 30)
    film(root / "more" / "ben.avi", 25, rate=12.0)


def drawn(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)


#: Kind of source -> what builds its layout, and its settings beside ``root``.
LAYOUTS: Mapping[str, tuple[Callable[[Path], None], dict[str, Any]]] = {
    "celeba": (celeba, {}),
    "celebamask_hq": (celebamask_hq, {}),
    "drawn": (drawn, {"faces": 5, "faces_per_person": 2, "size": 48}),
    "fairface": (fairface, {}),
    "ffhq_aging": (ffhq_aging, {}),
    "folder": (
        folder,
        {
            "table": "labels.csv",
            "columns": {
                "file": "photo",
                "age": "years",
                "gender": "sex",
                "person": "who",
                "glasses": "shades",
                "split": "part",
            },
            "licence": "mine",
        },
    ),
    "lfw": (lfw, {}),
    "utkface": (utkface, {}),
    "video": (
        video,
        {
            "table": "clips.csv",
            "columns": {"file": "file", "person": "person", "gender": "sex", "glasses": "shades"},
            "blurred": 0,
        },
    ),
}


def open_layout(kind: str, data: Path, **settings: Any) -> Any:
    """Build a layout below ``data`` and open its source."""
    from augment.plugins import load

    build, usual = LAYOUTS[kind]
    build(data / kind)
    module = load("sources", kind)
    root = {} if kind == "drawn" else {"root": kind}
    return module.Source(module.Config(**{**usual, **root, **settings}), data, GROUPS, SEED)
