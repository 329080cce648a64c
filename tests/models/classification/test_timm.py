import pytest
import timm

from vyvod.errors import SettingsError
from vyvod.models.build import build, fit_input, resolve
from vyvod.models.classification.timm import pretrained
from vyvod.models.contract import ModelSettings
from vyvod.types import InputSpec


def test_name_after_the_slash_is_the_variant() -> None:
    architecture = resolve(ModelSettings(name="timm/mobilenetv3_small_050", drop_rate=0.1))
    assert architecture.options.variant == "mobilenetv3_small_050"
    assert architecture.title == "mobilenetv3_small_050, from the library timm"
    assert architecture.head == ("classifier",)
    model = build(architecture, InputSpec(3, 64, 64), 9)
    reference = timm.create_model("mobilenetv3_small_050", num_classes=9)
    assert {k: v.shape for k, v in model.state_dict().items()} == {
        k: v.shape for k, v in reference.state_dict().items()
    }
    assert model.drop_rate == 0.1


def test_the_options_of_a_run_can_be_given_back() -> None:
    settings = ModelSettings(name="timm/resnet10t", variant="resnet10t")
    assert resolve(settings).options.variant == "resnet10t"
    with pytest.raises(SettingsError, match="contradict"):
        resolve(ModelSettings(name="timm/resnet10t", variant="resnet18"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("timm/resnet10", "no such architecture; near it are resnet10t"),
        ("timm/resnet18.a9_in1k", "no weights 'a9_in1k' for resnet18; there are: a1_in1k"),
        ("timm/hf_hub:someone/something", "no such architecture"),
    ],
)
def test_unknown_names(name: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        resolve(ModelSettings(name=name))


def test_inputs() -> None:
    def fitted(name: str, native: InputSpec | None) -> InputSpec:
        return fit_input(resolve(ModelSettings(name=name)), native)

    # A transformer with a fixed number of patches; its images are resized.
    assert fitted("timm/vit_tiny_patch16_224", InputSpec(1, 28, 28)) == InputSpec(3, 224, 224)
    assert fitted("timm/resnet10t", InputSpec(1, 28, 28)) == InputSpec(3, 64, 64)
    assert fitted("timm/resnet10t", InputSpec(3, 100, 100)) == InputSpec(3, 100, 100)
    assert fitted("timm/inception_v3", None) == InputSpec(3, 299, 299)


def test_heads_of_several_parts() -> None:
    assert resolve(ModelSettings(name="timm/deit_tiny_distilled_patch16_224")).head == ("head", "head_dist")


def test_where_weights_come_from() -> None:
    download = pretrained(resolve(ModelSettings(name="timm/resnet10t")).options)
    assert download.url == "https://huggingface.co/timm/resnet10t.c3_in1k/resolve/main/model.safetensors"
    assert download.folder.name == "models--timm--resnet10t.c3_in1k"
    with pytest.raises(SettingsError, match="timm has no ImageNet weights for coatnet_0_224"):
        pretrained(resolve(ModelSettings(name="timm/coatnet_0_224")).options)
