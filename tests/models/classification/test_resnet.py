import tarfile
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.models.classification.counting import parameters, runs_at
from torchvision.transforms.v2 import functional

from vyvod.errors import SettingsError
from vyvod.models.build import build, fit_input, resolve
from vyvod.models.classification.resnet import CifarResNet, Options, ZeroPadding, pretrained
from vyvod.models.contract import ModelSettings
from vyvod.models.weights import load_weights, read_weights
from vyvod.types import InputSpec

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.mark.parametrize(
    ("depth", "thousand", "ten", "small_stem"),
    [
        (18, 11_689_512, 11_181_642, 11_173_962),
        (34, 21_797_672, 21_289_802, 21_282_122),
        (50, 25_557_032, 23_528_522, 23_520_842),
        (101, 44_549_160, 42_520_650, 42_512_970),
        (152, 60_192_808, 58_164_298, 58_156_618),
    ],
)
def test_parameter_counts(depth: int, thousand: int, ten: int, small_stem: int) -> None:
    assert parameters("resnet", 1000, depth=depth) == thousand
    assert parameters("resnet", 10, depth=depth) == ten
    assert parameters("resnet", 10, side=32, depth=depth) == small_stem
    assert parameters("resnet", 10, side=224, depth=depth, stem="small") == small_stem
    assert parameters("resnet", 10, side=32, depth=depth, stem="imagenet") == ten


def by_hand(depth: int) -> int:
    """Section 4.2: convolutions, two numbers of batch norm per channel, the linear layer."""
    blocks = (depth - 2) // 6

    def layer(inputs: int, outputs: int) -> int:
        return 9 * inputs * outputs + 2 * outputs

    stages = sum(layer(width, width) * (2 * blocks - 1) for width in (16, 32, 64))
    return layer(3, 16) + stages + layer(16, 16) + layer(16, 32) + layer(32, 64) + 64 * 10 + 10


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_parameter_counts_of_the_cifar_networks(depth: int, millions: float) -> None:
    count = parameters("resnet", 10, side=32, depth=depth)
    assert count == by_hand(depth)
    # Table 6 of the paper, rounded as it is there.
    assert round(count / 1e6, 1 if millions > 1 else 2) == millions
    # Two 1x1 convolutions, each with a batch norm.
    extra = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert parameters("resnet", 10, side=32, depth=depth, shortcut="B") == count + extra


def test_resnet20_has_the_known_count() -> None:
    assert parameters("resnet", 10, side=32, depth=20) == 269_722
    assert parameters("resnet", 100, side=32, depth=18) == 11_220_132


def test_shortcut_a_takes_every_second_pixel_and_pads_both_sides_with_zeros() -> None:
    maps = torch.arange(2 * 5 * 5.0).view(1, 2, 5, 5)
    padded = ZeroPadding(1)(maps)
    assert padded.shape == (1, 4, 3, 3)
    assert torch.equal(padded[0, 1], torch.tensor([[0.0, 2, 4], [10, 12, 14], [20, 22, 24]]))
    assert not padded[0, [0, 3]].any()


def test_initialisation_is_he() -> None:
    torch.manual_seed(0)
    model = CifarResNet(56, 10, "A")
    for name, parameter in model.named_parameters():
        if parameter.ndim == 4 and parameter.numel() > 9000:
            fan_in = parameter[0].numel()
            assert parameter.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05), name


@pytest.mark.parametrize("depth", [18, 50, 20])
def test_tiny_images_run(depth: int) -> None:
    assert runs_at("resnet", 8, depth=depth) == (2, 10)


def test_inputs() -> None:
    def fitted(native: InputSpec | None, **options: object) -> InputSpec:
        return fit_input(resolve(ModelSettings(name="resnet", **options)), native)

    assert fitted(InputSpec(1, 28, 28)) == InputSpec(3, 28, 28)
    assert fitted(InputSpec(1, 28, 28), stem="imagenet") == InputSpec(3, 64, 64)
    assert fitted(None) == InputSpec(3, 224, 224)
    assert fitted(None, depth=20) == InputSpec(3, 32, 32)
    # ImageNet weights bring their own stem along, so that they fit.
    assert fitted(InputSpec(3, 32, 32), weights="imagenet") == InputSpec(3, 64, 64)


def test_contradictions() -> None:
    with pytest.raises(SettingsError, match="depth=20 has no ImageNet stem"):
        resolve(ModelSettings(name="resnet", depth=20, stem="imagenet"))
    with pytest.raises(SettingsError, match="shortcut=B belongs to depth 20 to 110"):
        resolve(ModelSettings(name="resnet", depth=34, shortcut="B"))
    with pytest.raises(SettingsError, match=r"no ImageNet weights for model\.depth=56"):
        pretrained(Options(depth=56))


def test_published_resnet20_knows_cifar10(shared_data: Path) -> None:
    architecture = resolve(ModelSettings(name="resnet", depth=20))
    model = build(architecture, InputSpec(3, 32, 32), 10).eval()
    weights = read_weights(shared_data / "weights/cifar10_resnet/resnet20-12fca82f.th")
    loaded = load_weights(model, weights, head=architecture.head, whole=True)
    assert not loaded.not_loaded
    assert torch.equal(model.linear.bias, weights.tensors["linear.bias"])
    images, labels = cifar10_photos(shared_data / "cifar10_jpg/cifar10_jpg_full.tar.xz", each=30)
    with torch.no_grad():
        accuracy = (model(images).argmax(1) == labels).double().mean().item()
    # 81.0 % of all 10 000; a random network has 10 %, one with its shortcut padded on one side only far less than 70 %.
    assert 0.74 < accuracy < 0.88


def cifar10_photos(archive: Path, *, each: int) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = [], []
    with tarfile.open(archive) as files:
        for member in files:
            _, split, *rest = member.name.split("/")
            if split == "test" and len(rest) == 2 and int(rest[1][:4]) < each:
                images.append(read(files, member))
                labels.append(CIFAR10.index(rest[0]))
    return torch.stack(images), torch.tensor(labels)


def read(files: tarfile.TarFile, member: tarfile.TarInfo) -> torch.Tensor:
    with files.extractfile(member) as file:
        image = functional.pil_to_tensor(Image.open(file).convert("RGB")).float() / 255
    return functional.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
