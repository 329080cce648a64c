"""What an architecture file provides.

An architecture is one file in ``models/<task>`` (or a user's own ``my_net.py``, which says ``TASKS = (...)``) with::

    '''Title in one line, shown by `vyvod list models`.'''

    class Options(Record):                        # what may stand under `model:` besides ModelSettings' own keys
        depth: Literal[18, 34] = 18
        '''Help text.'''

    def build(options: Options, spec: InputSpec, classes: int) -> nn.Module: ...

and, where it applies,

    def fit_input(options: Options, native: InputSpec | None) -> InputSpec
        The input that the network is built for, given the images as they are (None: photos of various sizes). Default:
        3 channels, native size or 224 x 224. A network that cannot take small images answers a larger size, and the images
        are resized; one that can work on grey images answers channels = 1. Segmentation: asked for the crops of the training
        and for every whole image in evaluation, which are padded, not resized; so it answers the smallest size that the
        network takes and whose output covers the image, quickly, and larger for larger images; SettingsError for images that
        are smaller than the network's stride (``models/inputs.py`` has the arithmetic).

    def margin(options: Options) -> int
        Segmentation: pixels that valid convolutions lose on each side; 92 for the published U-Net. Default: 0.

    def pretrained(options: Options) -> torchvision WeightsEnum, or a function that returns a state dict, or None
        The ImageNet weights of the library, for `model.weights=imagenet`. Fetching them is the caller's business. An object of
        one's own has ``url``, ``get_state_dict`` and ``transforms`` like a WeightsEnum; if it has ``parts``, the weights are for
        these submodules only, and the others stay new.

    HEAD = ("fc",), or def head(options: Options) -> tuple[str, ...]
        Names of the submodules that depend on the number of classes. Weights whose number of classes differs are loaded
        without them.

    def for_imagenet(options: Options) -> Options
        The options with which a network takes the ImageNet weights, where the default would take others (ResNet's stem).

Outputs, by task: classification ``(N, K)`` float logits; segmentation ``(N, K, H - 2 margin, W - 2 margin)`` float logits for
images ``(N, C, H, W)``, and in training either that or ``{"out": logits, "aux": logits, ...}``, where every other entry is an
auxiliary head of the same size as ``out``; detection follows torchvision's detection API; reconstruction ``(N, C, H, W)``.
``build`` gives a freshly initialised network, in training mode, on the CPU; all randomness comes from torch's global generator,
which the caller has seeded.
"""

from pydantic import ConfigDict, Field

from vyvod.types import Record


class ModelSettings(Record):
    """Which network. Other keys under `model:` are options of the architecture; `vyvod settings model=NAME` lists them."""

    model_config = ConfigDict(extra="allow")

    name: str = "plain"
    """An architecture of `vyvod list models`, timm/<name>, or your own file (./my_net.py)."""
    weights: str | None = None
    """`imagenet` (the library's download), a local file (.safetensors, .pth, .pt, .th), or a run folder."""
    freeze: tuple[str, ...] = ()
    """Names of submodules that are not trained; `all-but-head` freezes everything except the head."""
    freeze_epochs: int | None = Field(None, ge=1)
    """Free the frozen parts again after that many epochs; by default never."""
