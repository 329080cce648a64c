"""How a network is trained."""

from typing import Literal

from pydantic import Field

from vyvod.types import Record


class TrainingSettings(Record):
    """Optimiser, schedule, length, and where it runs."""

    epochs: int = Field(10, ge=0)
    """Passes over the training images; the last images that do not fill a step are left out, other ones each time. 10 by
    default, 50 for segmentation and R-CNNs, 100 for YOLO."""
    batch_size: int = Field(128, ge=1)
    """Images per batch, over all devices together. 128 by default, 4 for segmentation and R-CNNs, 8 for YOLO."""
    accumulate: int = Field(1, ge=1)
    """Batches per step of the optimiser: the gradient is that of `batch_size` x `accumulate` images."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """adamw (Loshchilov & Hutter 2019), or sgd with Nesterov momentum."""
    learning_rate: float | None = Field(None, gt=0)
    """Highest learning rate; by default 0.001 for adamw, 0.05 for sgd. `vyvod find-lr` proposes one."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of sgd."""
    weight_decay: float | None = Field(None, ge=0)
    """Of matrices and filters, not of biases and norms; by default 0.05 for adamw, 0.0005 for sgd."""
    schedule: Literal["cosine", "constant", "step", "poly", "one-cycle"] = "cosine"
    """How the learning rate goes down (one-cycle: up for 30 %, then down)."""
    warmup_epochs: float | None = Field(None, ge=0)
    """Epochs in which the learning rate rises from near 0; by default a tenth of the training, at most 1."""
    step_epochs: tuple[int, ...] = ()
    """schedule: step - the epochs after which the learning rate is multiplied by 0.1; by default at 1/2 and 3/4."""
    poly_power: float = Field(0.9, gt=0)
    """schedule: poly - (1 - progress) to this power."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of each target that is spread over all classes."""
    clip_norm: float | None = Field(None, gt=0)
    """Largest norm of the gradient of a step."""
    ema: float | None = Field(None, gt=0, lt=1)
    """Decay of an exponential moving average of the weights (0.999 is usual); evaluated instead of the weights."""
    monitor: str | None = None
    """The val metric that chooses the checkpoint; by default the task's headline metric."""
    patience: int | None = Field(None, ge=1)
    """Stop after that many epochs without a better value of `monitor`."""
    precision: Literal["32", "bf16", "fp16"] = "32"
    """Number format of the forward and backward pass (weights stay in 32 bits)."""
    compile: bool = False
    """Compile the network (torch.compile): slower to start, faster to run, mostly on GPUs."""
    channels_last: bool | None = None
    """Keep images as N H W C in memory; by default on the CPU (a third faster) and with bf16 or fp16."""
    deterministic: bool = False
    """Same bits on a GPU too, at some cost. On the CPU the same settings and seed always give the same bits."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train."""
    devices: int = Field(1, ge=1)
    """Processes on this machine, a device each. Results equal those of one process with the same `batch_size`, to rounding."""
    nodes: int = Field(1, ge=1)
    """Machines, when started by torchrun or SLURM."""
    threads: int | None = Field(None, ge=1)
    """Threads of the CPU for each process; by default all cores. A different number may change the last bits."""
