import os
from pathlib import Path

import pytest

from augment.errors import RowError
from augment.intake import photo_files
from augment.intake.photo_files import file_version, photos_below, read_file, resolve


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    (root / "inner").mkdir(parents=True)
    (root / "a.jpg").write_bytes(b"one")
    (root / "inner" / "b.JPG").write_bytes(b"two")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return root


def test_files_inside_are_read(root: Path) -> None:
    assert read_file(root, "a.jpg") == b"one"
    assert read_file(root, "inner/../a.jpg") == b"one"


@pytest.mark.parametrize("uri", ["../secret.jpg", "inner/../../secret.jpg", "/etc/passwd", "~/x"])
def test_files_outside_are_not(root: Path, uri: str) -> None:
    with pytest.raises(RowError, match=r"outside|missing"):
        read_file(root, uri)
    assert file_version(root, uri) == ""


def test_links_out_of_the_folder_are_not_followed(root: Path) -> None:
    (root / "link.jpg").symlink_to(root.parent / "secret.jpg")
    with pytest.raises(RowError, match="outside"):
        resolve(root, "link.jpg")


def test_a_link_to_the_whole_folder_is_fine(root: Path) -> None:
    (root.parent / "link").symlink_to(root)
    assert read_file(root.parent / "link", "a.jpg") == b"one"


def test_unreadable_files_say_why(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "folder.jpg").mkdir()
    (root / "dangling.jpg").symlink_to(root / "gone.jpg")
    (root / "loop.jpg").symlink_to(root / "loop.jpg")
    os.mkfifo(root / "pipe.jpg")
    for uri, says in [
        ("folder.jpg", "no plain file"),
        ("dangling.jpg", "missing"),
        ("loop.jpg", "cannot be read"),
        ("pipe.jpg", "no plain file"),
        ("x" * 300 + ".jpg", "cannot be read"),
        ("a\0b", "no usable name"),
    ]:
        with pytest.raises(RowError, match=says):
            read_file(root, uri)

    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(RowError, match=r"cannot be read \(Permission denied\)"):
        read_file(root, "a.jpg")


def test_huge_files_are_refused_unread(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (root / "huge.jpg").open("wb") as file:
        file.truncate(photo_files.MAX_FILE_BYTES + 1)  # sparse: takes no space
    with pytest.raises(RowError, match="256 MiB"):
        read_file(root, "huge.jpg")


def test_versions_change_with_the_file(root: Path) -> None:
    before = file_version(root, "a.jpg")
    (root / "a.jpg").write_bytes(b"other")
    changed = file_version(root, "a.jpg")
    (root / "a.jpg").chmod(0o600)
    assert len({before, changed, file_version(root, "a.jpg")}) == 3
    assert file_version(root, "none.jpg") == ""


def test_photos_are_found_by_suffix_and_sorted(root: Path) -> None:
    for name in ("z.png", "notes.txt", "._a.jpg", ".hidden/c.jpg", "inner/0.webp"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    assert list(photos_below(root)) == ["a.jpg", "z.png", "inner/0.webp", "inner/b.JPG"]
    assert list(photos_below(root, "inner")) == ["inner/0.webp", "inner/b.JPG"]
    assert list(photos_below(root, "none")) == []


def test_names_that_are_no_text_are_listed_all_the_same(root: Path) -> None:
    with open(os.fsencode(root) + b"/\xff.jpg", "wb"):  # noqa: PTH123 (a name in bytes)
        pass
    (name,) = (name for name in photos_below(root) if "udcff" in name)
    with pytest.raises(RowError, match="missing"):
        read_file(root, name.encode().decode())
