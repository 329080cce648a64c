import pytest
import torch
from tests.models.classification.counting import parameters

from vyvod.errors import SettingsError, WeightsError
from vyvod.models.build import Architecture, build, fit_input, resolve
from vyvod.models.contract import ModelSettings
from vyvod.models.segmentation import smp
from vyvod.models.weights import imagenet_normalisation, load_weights, read_source
from vyvod.types import InputSpec


def named(pair: str, **options: object) -> Architecture:
    return resolve(ModelSettings(name=f"smp/{pair}", **options))


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("unet/resnet18", 14_331_109),
        ("unet/resnet34", 24_439_269),
        ("unet/resnet50", 32_524_005),
        ("unet/vgg16_bn", 23_759_589),
        ("unet/efficientnet-b0", 6_254_369),
        ("unet/mobilenet_v2", 6_631_845),
        ("unet/tu-tf_mobilenetv3_small_100", 3_588_549),
        ("deeplabv3/resnet50", 39_638_869),
        ("deeplabv3plus/resnet50", 26_682_725),
    ],
)
def test_parameter_counts(pair: str, expected: int) -> None:
    assert parameters(f"smp/{pair}", 21) == expected


def test_name_after_the_slash_is_the_pair() -> None:
    architecture = named("fpn/resnet34")
    assert architecture.options.variant == "fpn/resnet34"
    assert architecture.task == "segmentation"
    with pytest.raises(SettingsError, match="contradict"):
        named("fpn/resnet34", variant="fpn/resnet18")


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ("unt/resnet18", "no architecture 'unt'; there are unet, unetplusplus, manet"),
        ("unet/resnet19", "no encoder 'resnet19'; near it are resnet18"),
        ("unet/tu-resnet10", "no network 'resnet10'; near it are tu-resnet10t"),
        ("dpt/resnet18", "dpt needs a transformer of timm, such as tu-vit_tiny"),
        ("unet", "expected model=smp/<architecture>/<encoder>"),
    ],
)
def test_unknown_names(pair: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        named(pair)


def test_pairs_that_the_library_refuses() -> None:
    architecture = named("linknet/mit_b0")
    with pytest.raises(SettingsError, match="not supported for Linknet"):
        build(architecture, InputSpec(3, 64, 64), 3)


@pytest.mark.parametrize(
    ("pair", "height", "width"),
    [
        ("unet/resnet18", 384, 512),
        ("pspnet/resnet18", 376, 504),
        ("deeplabv3/resnet18", 376, 504),
        ("deeplabv3plus/resnet18", 384, 512),
        ("pan/resnet18", 384, 512),
        ("dpt/tu-vit_tiny_patch16_224", 384, 512),
        ("dpt/tu-vit_base_patch8_224", 384, 512),
    ],
)
def test_inputs(pair: str, height: int, width: int) -> None:
    assert fit_input(named(pair), InputSpec(1, 375, 500)) == InputSpec(3, height, width)
    assert fit_input(named(pair), None) == InputSpec(3, 512, 512)


def test_pan_needs_128_pixels() -> None:
    with pytest.raises(SettingsError, match="needs at least 128"):
        fit_input(named("pan/resnet18"), InputSpec(3, 96, 200))


@pytest.mark.parametrize(
    ("pair", "idle"), [("pspnet/resnet18", "encoder.layer4"), ("unet/efficientnet-b0", "encoder._conv_head")]
)
def test_what_the_output_does_not_depend_on_is_not_trained(pair: str, idle: str) -> None:
    # Two processes that wait for its gradient would never wake up.
    model = build(named(pair), InputSpec(3, 64, 64), 3)
    assert not any(p.requires_grad for name, p in model.named_parameters() if name.startswith(idle))
    model(torch.randn(2, 3, 64, 64)).sum().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_weights_fill_the_encoder_only(monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = named("unet/resnet18")
    theirs = smp._create("unet/resnet18", 1, weights=None)
    asked: list[str | None] = []

    def fetched(variant: str, classes: int, *, weights: str | None) -> torch.nn.Module:
        asked.append(weights)
        return theirs

    model = build(architecture, InputSpec(3, 32, 32), 5)
    monkeypatch.setattr(smp, "_create", fetched)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    loaded = load_weights(model, read_source("imagenet", architecture), head=architecture.head)
    assert asked == ["imagenet"]
    for name, tensor in model.state_dict().items():
        expected = theirs.state_dict() if name.startswith("encoder.") else before
        assert torch.equal(tensor, expected[name]), name
    assert loaded.loaded == len(theirs.encoder.state_dict())
    assert loaded.loaded + len(loaded.not_loaded) == len(before)
    assert loaded.sentence().endswith(" more (the weights are for the encoder only).")


def test_where_weights_come_from() -> None:
    download = smp.pretrained(named("unet/resnet18").options)
    assert download.url.startswith("https://huggingface.co/smp-hub/resnet18.imagenet/resolve/")
    assert download.folder.name == "models--smp-hub--resnet18.imagenet"
    # No weights from plain ImageNet: the first that there are.
    assert "dpn68b.imagenet-5k" in smp.pretrained(named("unet/dpn68b").options).url
    timms = smp.pretrained(named("unet/tu-resnet10t").options)
    assert timms.url == "https://huggingface.co/timm/resnet10t.c3_in1k/resolve/main/model.safetensors"
    assert timms.transforms().mean == (0.485, 0.456, 0.406)
    with pytest.raises(SettingsError, match="timm has no weights for coatnet_0_224"):
        smp.pretrained(named("unet/tu-coatnet_0_224").options)


def test_without_a_network_the_error_says_what_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*anything: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(smp, "get_preprocessing_params", unreachable)
    with pytest.raises(
        WeightsError, match=r"could not be fetched \(OSError: no route to host\)\. model\.safetensors is"
    ):
        imagenet_normalisation(named("unet/resnet18"))
