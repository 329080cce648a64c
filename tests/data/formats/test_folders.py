"""Image files as people have them, and the folders they lie in."""

import contextlib
import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import tv_tensors

from vyvod.data.contract import LabelledSplit
from vyvod.data.formats.folders import ImageFiles, common_size, decode, read_class_folders
from vyvod.errors import DataError


def gradient(height: int = 6, width: int = 4) -> np.ndarray:
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(height)[:, None] * 40
    pixels[..., 1] = np.arange(width) * 60
    return pixels


def save(path: Path, image: Image.Image | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or Image.fromarray(gradient())).save(path, **options)
    return path


def shown(path: Path) -> np.ndarray:
    image = decode(path)
    assert isinstance(image, tv_tensors.Image)
    assert image.dtype == torch.uint8
    assert image.is_contiguous()
    return image.permute(1, 2, 0).numpy()


def test_rgb(tmp_path: Path):
    assert (shown(save(tmp_path / "a.png")) == gradient()).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(tmp_path: Path, orientation: int):
    # How the stored pixels come about if the picture is to be seen upright: the table of the EXIF standard.
    stored = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }[orientation](gradient())
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert (shown(path) == gradient()).all()


@pytest.mark.parametrize("exif", [b"Exif\x00\x00II*\x00\xff\xff\xff\xff", b"Exif\x00\x00rubbish"])
def test_damaged_exif_is_no_obstacle(tmp_path: Path, exif: bytes):
    assert shown(save(tmp_path / "a.jpg", exif=exif)).shape == (6, 4, 3)


def test_grey(tmp_path: Path):
    grey = gradient()[..., 0]
    assert (shown(save(tmp_path / "a.png", Image.fromarray(grey))) == grey[..., None]).all()


def test_black_and_white(tmp_path: Path):
    image = Image.fromarray(gradient()[..., 0]).convert("1")
    assert set(np.unique(shown(save(tmp_path / "a.png", image)))) == {0, 255}


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_keeps_the_upper_bits(tmp_path: Path, suffix: str):
    values = np.array([[0, 255, 256], [32768, 65280, 65535]], dtype=np.uint16)
    assert shown(save(tmp_path / f"a.{suffix}", Image.fromarray(values)))[..., 0].tolist() == [
        [0, 0, 1],
        [128, 255, 255],
    ]


def test_palette(tmp_path: Path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    assert shown(save(tmp_path / "a.png", image)).tolist() == [[[10, 20, 30], [200, 100, 50]]]


def test_transparency_is_white(tmp_path: Path):
    pixels = np.array([[[9, 9, 9, 0], [9, 9, 9, 255]]], dtype=np.uint8)
    assert shown(save(tmp_path / "a.png", Image.fromarray(pixels))).tolist() == [[[255] * 3, [9] * 3]]
    image = Image.new("P", (1, 1))
    image.putpalette([10, 20, 30])
    assert shown(save(tmp_path / "b.png", image, transparency=0)).tolist() == [[[255] * 3]]


def test_cmyk(tmp_path: Path):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = shown(save(tmp_path / "a.jpg", image, quality=95))
    assert np.abs(red.astype(int) - [255, 0, 0]).max() < 12


def test_gif_named_jpg(tmp_path: Path):
    save(tmp_path / "a.gif", Image.fromarray(gradient()[..., 0]))
    (tmp_path / "a.gif").rename(tmp_path / "a.jpg")
    assert shown(tmp_path / "a.jpg").shape == (6, 4, 3)


def test_animation_shows_its_first_frame(tmp_path: Path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert (shown(tmp_path / "a.gif") == [255, 0, 0]).all()


def bomb() -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def jpeg(side: int = 64) -> bytes:
    content = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(content, format="JPEG")
    return content.getvalue()


BROKEN = {
    "empty": (b"", "not an image of a known format"),
    "text": (b"<html>404</html>", "not an image of a known format"),
    "truncated": (jpeg()[:800], "truncated"),
    "half a header": (jpeg()[:20], "not an image of a known format"),
    "bomb": (bomb(), "decompression bomb"),
    "large but under twice the limit": (
        bomb().replace(struct.pack(">II", 20000, 20000), struct.pack(">II", 10000, 10000)),
        ".",
    ),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image of a known format"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named(tmp_path: Path, name: str):
    content, reason = BROKEN[name]
    path = tmp_path / "cat.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cat\.jpg cannot be decoded") as caught:
        decode(path)
    assert reason in str(caught.value)
    # Workers send it through a queue.
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_damaged_at_every_place(tmp_path: Path):
    # Whatever the decoder raises on damaged bytes, it comes out as a DataError.
    buffer = io.BytesIO()
    Image.fromarray(gradient(20, 20)).save(buffer, format="PNG")
    whole, path = buffer.getvalue(), tmp_path / "a.png"
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(DataError):
            decode(path)


def test_missing_file(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        decode(tmp_path / "a.png")


def test_floating_point_values_are_refused(tmp_path: Path):
    path = save(tmp_path / "a.tif", Image.fromarray(np.zeros((2, 2), dtype=np.float32)))
    with pytest.raises(DataError, match="floating-point numbers of unknown range"):
        decode(path)


def test_class_folders(tmp_path: Path):
    for name in (
        "class10/b.png",
        "class2/10.png",
        "class2/9.PNG",
        "class2/deep/er/1.jpg",
        "class2/.hidden.png",
        "class2/notes.txt",
    ):
        save(tmp_path / name, format="PNG")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    save(tmp_path / "class2" / ".thumbs" / "x.png")
    classes, found = read_class_folders(tmp_path)
    assert classes == ("class2", "class10")
    assert list(found) == ["all"]
    assert list(found["all"].ids) == ["class2/9.PNG", "class2/10.png", "class2/deep/er/1.jpg", "class10/b.png"]
    assert found["all"].labels.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("val", ["val", "valid", "Validation"])
def test_split_folders(tmp_path: Path, val: str):
    for split in ("train", val, "test"):
        for label in ("cat", "dog"):
            save(tmp_path / split / label / "1.png")
    classes, found = read_class_folders(tmp_path)
    assert classes == ("cat", "dog")
    assert list(found) == ["train", "val", "test"]
    assert list(found["val"].ids) == [f"{val}/cat/1.png", f"{val}/dog/1.png"]


def test_two_folders_for_one_split(tmp_path: Path):
    for split in ("train", "val", "valid"):
        save(tmp_path / split / "cat" / "1.png")
    with pytest.raises(DataError, match=r"has both val.*/ and val.*/"):
        read_class_folders(tmp_path)


def test_a_class_of_trains(tmp_path: Path):
    for label in ("train", "bus"):
        save(tmp_path / label / "1.png")
    assert read_class_folders(tmp_path)[0] == ("bus", "train")


def test_a_class_missing_in_one_split_keeps_its_number(tmp_path: Path):
    for name in ("train/a/1.png", "train/b/1.png", "test/b/1.png"):
        save(tmp_path / name)
    assert read_class_folders(tmp_path)[1]["test"].labels.tolist() == [1]


def test_empty_class_folder(tmp_path: Path):
    save(tmp_path / "cat" / "1.png")
    (tmp_path / "dog").mkdir()
    with pytest.raises(DataError, match="dog has no images"):
        read_class_folders(tmp_path)
    assert read_class_folders(tmp_path, wanted=["cat"])[0] == ("cat", "dog")


def test_no_folders(tmp_path: Path):
    with pytest.raises(DataError, match="There are no class folders"):
        read_class_folders(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        read_class_folders(tmp_path / "nowhere")


@pytest.fixture
def files(tmp_path: Path) -> ImageFiles:
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        save(tmp_path / name)
    return read_class_folders(tmp_path)[1]["all"]


def test_image_files(files: ImageFiles):
    assert isinstance(files, LabelledSplit)
    sample = files[2]
    assert (sample.id, sample.target, tuple(sample.image.shape)) == ("b/1.png", 1, (3, 6, 4))
    part = files.subset([2, 0])
    assert (list(part.ids), part.labels.tolist()) == (["b/1.png", "a/1.png"], [1, 0])


def test_fingerprint_sees_changes(files: ImageFiles):
    before = files.fingerprint()
    assert files.fingerprint() == before
    assert files.subset([0, 1]).fingerprint() != before
    files.labels[0] = 1
    assert files.fingerprint() != before
    files.labels[0] = 0
    save(files.path(0), Image.fromarray(gradient(60, 40)))
    assert files.fingerprint() != before
    files.path(0).unlink()
    assert files.fingerprint() != before


def test_common_size(files: ImageFiles, tmp_path: Path):
    assert common_size([files]) == (6, 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a" / "1.png", Image.fromarray(gradient(4, 6)), exif=exif)
    assert common_size([files]) == (6, 4)
    save(tmp_path / "a" / "1.png", Image.fromarray(gradient(5, 6)))
    assert common_size([files]) is None
    assert common_size([files.subset([])]) is None


def test_real_photos_match_pillow(shared_data: Path):
    paths = sorted((shared_data / "imagenet_sample" / "val").rglob("*.JPEG"))[:8]
    for path in paths:
        with Image.open(path) as image:
            assert (shown(path) == np.asarray(image.convert("RGB"))).all()
