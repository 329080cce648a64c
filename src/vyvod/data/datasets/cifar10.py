"""CIFAR-10: 60 000 colour photos of 32 x 32 pixels in ten classes.

Splits: 50 000 for training, of which val is carved, and 10 000 for test. 163 MB download, 180 MB unpacked, in
``data.root/cifar-10-batches-py``. The data set contains near duplicates across train and test (Barz and Denzler 2020,
https://arxiv.org/abs/1902.00423: 3.3 % of the test images).
"""

from torchvision.datasets import CIFAR10

from vyvod.data.contract import Card, Dataset, DataSettings
from vyvod.data.formats.cifar import CITATION, HOME, load_cifar

TASKS = ("classification",)
CARD = Card(
    title="CIFAR-10",
    homepage=HOME,
    licence="none stated by the authors; in use for research",
    citation=CITATION,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
)


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: files are missing or not the original ones.
    """
    return load_cifar(CIFAR10, CARD, settings, name="cifar10", labels="labels")
