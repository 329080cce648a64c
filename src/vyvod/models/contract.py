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

    def pretrained_on_coco(options: Options) -> the same, for `model.weights=coco`: a whole detector.

    HEAD = ("fc",), or def head(options: Options) -> tuple[str, ...]
        Names of the submodules that depend on the number of classes. Weights whose number of classes differs are loaded
        without them.

    def classes_of(outputs: int) -> int
        The number of classes of a head, from the number of outputs of its first layer. Default: the same.

    def for_weights(options: Options, source: str) -> Options
        The options with which a network takes the weights that `model.weights` names, where the default would take others
        (ResNet's stem) or would train badly (batch norms of a detector). Only asked where weights are named.

    def features(network: nn.Module, images: Tensor) -> Tensor
        The last feature maps, ``(N, C', H', W')``, of a network that ``build`` made: its encoder, which `model=autoencoder` can
        then train. Layers that they do not depend on are replaced by ``nn.Identity`` there.

    def read(path: Path, options: Options) -> Mapping[str, Tensor] | None
        Weights from a file in a format of the architecture's own, under the names of our state dict; layers that the file does
        not have may be left out. None: the file is not of such a format; WeightsError with the cure: it is, but does not fit.

Outputs, by task: classification ``(N, K)`` float logits; segmentation ``(N, K, H - 2 margin, W - 2 margin)`` float logits for
images ``(N, C, H, W)``, and in training either that or ``{"out": logits, "aux": logits, ...}``, where every other entry is an
auxiliary head of the same size as ``out``; detection as below; reconstruction ``(N, C, H, W)``.

Detection follows torchvision's detection API. Images are a list of N ``(3, h, w)`` float32 in 0..1, RGB, not normalised (the
network does what it needs), of any sizes, or one ``(N, 3, H, W)`` tensor. K is the number of classes without background.

    model(images, targets), in training -> {"name": scalar, ...}
        Losses, weighted, means over the images; their sum is minimised. Targets: N times {"boxes": ``(M, 4)`` float32 left, top,
        right, bottom, pixels of the image given; "labels": ``(M,)`` int64 in **1..K**}, M may be 0, and "masks": ``(M, h, w)``
        uint8 where the file says MASKS.
    model(images), in evaluation -> N times {"boxes": ``(D, 4)`` float32, inside the image; "labels": ``(D,)`` int64 in 1..K;
        "scores": ``(D,)`` float32 in 0..1, highest first}, and "masks": ``(D, 1, h, w)`` float32 probabilities with MASKS. The
        answer to an image does not depend on its neighbours.
    model.judge(images, targets), optional, in evaluation -> (losses, detections)
        Both from one pass; without it two are made. The same input gives the same losses, and torch's
        generators stay as they are.
    model.outputs(images), optional
        All convolutions and matrices of a pass in evaluation on ``(N, 3, H, W)``, and nothing whose amount depends on values
        (suppression), so that the cost can be counted on shapes alone; what it returns is its own business.

and in the file, where it applies,

    RESIZE = "letterbox" | "stretch" | "none"     how images are brought to the input's size unless the settings say; "none": the
                                                  network resizes them itself. Default: letterbox.
    MASKS = True                                  it learns and answers masks.
    DEFAULTS = {"training": {...}, "augmentation": {...}}
                                                  literal; settings that suit it, where the user sets none.

Options that all detectors have: ``score_threshold``, below which a detection is dropped; ``nms_threshold``, the IoU above which
the weaker of two boxes of a class is dropped; ``detections``, at most per image. The networks under `models/yolo` also have the
buffer ``anchors`` ``(L, A, 2)``, ``strides``, ``set_anchors`` and ``anchors_in_pixels``.

``build`` gives a freshly initialised network, in training mode, on the CPU; all randomness comes from torch's global generator,
which the caller has seeded.
"""

from pydantic import ConfigDict, Field, field_validator

from vyvod.types import Record


class ModelSettings(Record):
    """Which network. Other keys under `model:` are options of the architecture; `vyvod settings model=NAME` lists them."""

    model_config = ConfigDict(extra="allow")

    name: str = "plain"
    """An architecture of `vyvod list models`, timm/<name>, or your own file (./my_net.py)."""
    weights: str | None = None
    """`imagenet` or, for detectors, `coco` (the library's download), a local file (.safetensors, .pth, .pt, .th, and the original
    files of YOLO), or a run folder."""
    freeze: tuple[str, ...] = ()
    """Names of submodules that are not trained; `all-but-head` freezes everything except the head, `encoder` everything except
    the head and what `weights` left new (where the network has a part of that name: that part)."""
    freeze_epochs: int | None = Field(None, ge=1)
    """Free the frozen parts again after that many epochs; by default never."""

    @field_validator("freeze", mode="before")
    @classmethod
    def _single(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given
