"""Options that every YOLO has, and the input that it is built for."""

from typing import Literal

from pydantic import Field

from vyvod.models.yolo.suppression import Limits
from vyvod.models.yolo.terms import Gains
from vyvod.types import InputSpec, Record

STRIDE = 32
"""Of the coarsest level: sides of images are multiples of it."""


class YoloOptions(Record):
    """Anchors, what is kept of the detections, and weights of the parts of the loss."""

    anchors: Literal["auto", "published"] = "auto"
    """auto: found from the boxes of the training images where the published ones (for COCO) fit badly."""
    score_threshold: float = Field(0.001, ge=0, lt=1)
    """Lowest score of a detection that is kept. 0.001 for metrics, which are curves over all scores."""
    nms_threshold: float = Field(0.6, gt=0, le=1)
    """IoU above which the weaker of two boxes of a class is dropped."""
    detections: int = Field(300, ge=1)
    """At most so many per image."""
    candidates: int = Field(1000, ge=1)
    """At most so many boxes of an image enter the suppression, the best ones. 30000 as YOLO v5 was published: slower, and mAP
    changes in the third decimal."""
    box_gain: float = Field(1.0, ge=0)
    """Weight of the boxes in the loss."""
    objectness_gain: float = Field(1.0, ge=0)
    """Weight of the objectness in the loss."""
    class_gain: float = Field(1.0, ge=0)
    """Weight of the classes in the loss."""

    @property
    def gains(self) -> Gains:
        """For the loss."""
        return Gains(self.box_gain, self.objectness_gain, self.class_gain)

    @property
    def limits(self) -> Limits:
        """For the suppression."""
        return Limits(self.score_threshold, self.nms_threshold, self.detections, self.candidates)


def classes_of(outputs: int) -> int:
    """Each of three anchors has a box, an objectness and the classes."""
    return outputs // 3 - 5


def yolo_input(native: InputSpec | None, *, side: int) -> InputSpec:
    """RGB, the sides of the images rounded up to multiples of 32.

    Args:
        native: the images as they are; None where their sizes differ: a square.
        side: of the square, pixels.
    """
    if native is None:
        return InputSpec(3, side, side)
    return InputSpec(3, *(STRIDE * -(-length // STRIDE) for length in (native.height, native.width)))
