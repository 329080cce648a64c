"""The metric by which a comparison decides: of a goal, or of ``vyvod compare --metric``."""

from importlib import import_module

from vyvod import catalog
from vyvod.errors import UserError
from vyvod.evaluation.comparison import Direction


def deciding_metric(task: str, metric: str | None, *, key: str) -> tuple[str, Direction]:
    """The metric, by default the task's headline metric, and where it is better.

    Args:
        task: of the runs.
        metric: as asked for.
        key: what stands before its name where it was asked for.

    Raises:
        UserError: the task has no such metric, or how it varies over images does not follow from the files of a run.
    """
    known, module = catalog.metrics()[task], import_module(f"vyvod.metrics.{task}")
    metric = metric or str(module.HEADLINE)
    if metric not in known:
        near = catalog.nearest(metric, known)
        raise UserError(f"{key}{metric} is no metric of {task}.{near} There are {', '.join(known)}.")
    if task == "detection" and ("best_f1" in metric or metric.startswith("mask_")):
        raise UserError(
            f"{key}{metric} cannot decide: how it would vary over other test images does not follow from the files of a run. "
            "Choose another; this one is shown besides, without a verdict."
        )
    return metric, "down" if metric in module.LOWER_IS_BETTER else "up"
