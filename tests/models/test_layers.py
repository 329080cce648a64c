"""Two real processes against one with the whole batch."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from vyvod.errors import SettingsError
from vyvod.models.layers import SyncBatchNorm, SyncBatchNormAct, convert_batch_norm

SHAPES = {"2d": (7, 4, 5, 3), "1d": (9, 4), "sequence": (6, 4, 11)}
Case = tuple[str, float | None, int]
CASES: list[Case] = [(kind, momentum, first) for kind in SHAPES for momentum in (0.1, None) for first in (3, 1, 0)]
"""Kind of batch norm, momentum, images of the first process."""
Result = tuple[Tensor, Tensor, list[Tensor], dict[str, Tensor], Tensor]


def network(kind: str, momentum: float | None) -> nn.Module:
    torch.manual_seed(5)
    make: Callable[..., nn.Module] = nn.BatchNorm2d if kind == "2d" else nn.BatchNorm1d
    model = nn.Sequential(
        make(4, momentum=momentum), nn.Tanh(), make(4, affine=False), make(4, track_running_stats=False)
    )
    for parameter in model.parameters():
        nn.init.normal_(parameter, 1.0, 0.5)
    return model


def batches(kind: str, step: int) -> Tensor:
    noise = torch.randn(SHAPES[kind], generator=torch.Generator().manual_seed(step))
    return noise * torch.tensor([1.0, 5.0, 0.5, 2.0]).view(1, 4, *[1] * (noise.ndim - 2)) + 10


def learn(model: nn.Module, images: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
    images = images.clone().requires_grad_()
    outputs = model(images)
    model.zero_grad()
    (outputs * weights).sum().backward()
    return outputs.detach(), images.grad, [parameter.grad for parameter in model.parameters()]


def train(model: nn.Module, kind: str, part: slice) -> Result:
    """Outputs, gradient of the images and of the parameters in the third step; the state; first layer in evaluation."""
    dtype = model[0].weight.dtype
    weights = torch.randn(SHAPES[kind], generator=torch.Generator().manual_seed(99)).to(dtype)
    for step in range(3):
        result = learn(model, batches(kind, step).to(dtype)[part], weights[part])
    return *result, model.state_dict(), model.eval()[0](batches(kind, 7).to(dtype)).detach()


def process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    found = {}
    for case in CASES:
        kind, momentum, first = case
        part = slice(first, None) if rank else slice(first)
        found[case] = train(convert_batch_norm(network(kind, momentum)), kind, part)
    torch.save(found, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> list[dict[Case, Result]]:
    """What the two processes found."""
    folder = tmp_path_factory.mktemp("gloo")
    torch.multiprocessing.spawn(process, (str(folder),), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_processes_are_one(case: Case, shares: list[dict[Case, Result]]) -> None:
    (mine, yours), (kind, momentum, _) = (share[case] for share in shares), case
    # In double precision, so that all differences are ours.
    whole = train(network(kind, momentum).double(), kind, slice(None))
    close(torch.cat([mine[0], yours[0]]), whole[0])
    close(torch.cat([mine[1], yours[1]]), whole[1])
    for left, right, together in zip(mine[2], yours[2], whole[2], strict=True):
        close(left + right, together)
    assert list(mine[3]) == list(whole[3])
    for name, tensor in whole[3].items():
        close(mine[3][name], tensor)
        assert torch.equal(mine[3][name], yours[3][name]), "the processes agree to the last bit"
    ordinary = network(kind, momentum)
    ordinary.load_state_dict(mine[3])
    torch.testing.assert_close(mine[4], ordinary.eval()[0](batches(kind, 7)))


def close(ours: Tensor, reference: Tensor) -> None:
    scale = reference.double().abs().max().clamp(min=1e-12)
    assert ((ours.double() - reference.double()).abs().max() / scale).item() < 1e-5


def test_alone_it_is_the_ordinary_batch_norm() -> None:
    model = network("2d", 0.1)
    converted = convert_batch_norm(copy.deepcopy(model))
    assert isinstance(converted[0], SyncBatchNorm)
    for _ in range(2):
        for ours, theirs in zip(
            learn(converted, batches("2d", 1), torch.ones(SHAPES["2d"]))[:2],
            learn(model, batches("2d", 1), torch.ones(SHAPES["2d"]))[:2],
            strict=True,
        ):
            assert torch.equal(ours, theirs)
    assert torch.equal(converted.eval()(batches("2d", 2)), model.eval()(batches("2d", 2)))
    for name, tensor in model.state_dict().items():
        assert torch.equal(converted.state_dict()[name], tensor)


def test_norm_with_activation_of_timm() -> None:
    import timm.layers

    model = nn.Sequential(timm.layers.BatchNormAct2d(4))
    converted = convert_batch_norm(copy.deepcopy(model))
    assert isinstance(converted[0], SyncBatchNormAct)
    images = batches("2d", 0)
    assert torch.equal(converted(images), model(images))
    assert (converted(images) >= 0).all()


def test_a_batch_norm_of_ones_own_is_refused() -> None:
    class Mine(nn.BatchNorm2d):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input) * 2

    with pytest.raises(SettingsError, match=r"layer 'norm' is a Mine.*training.devices=1"):
        convert_batch_norm(nn.ModuleDict({"norm": Mine(3)}))


def test_frozen_layers_stay_frozen() -> None:
    from vyvod.models.build import freeze

    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
    freeze(model, ("1",), ())
    assert not convert_batch_norm(model).train()[1].training
    assert not model[1].weight.requires_grad
