"""The names under which numbers are shown: curves of one kind stand side by side."""

from collections.abc import Mapping

_SPLITS = ("train", "val", "test")


def tag(column: str) -> str:
    """Column of ``metrics.csv`` -> curve: ``val_f1`` is ``val/f1``, ``learning_rate`` is ``training/learning_rate``."""
    split, underscore, metric = column.partition("_")
    return f"{split}/{metric}" if underscore and split in _SPLITS else f"training/{column}"


def class_tags(per_class: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Metric -> class -> value, as ``per_class/<metric>/<class>`` -> value."""
    return {
        f"per_class/{metric}/{name}": value for metric, values in per_class.items() for name, value in values.items()
    }
