"""CIFAR-100: 60 000 colour photos of 32 x 32 pixels in a hundred classes.

Splits: 50 000 for training, of which val is carved, and 10 000 for test; 600 images of each of the fine classes. 161 MB
download, 178 MB unpacked, in ``data.root/cifar-100-python``. The data set contains near duplicates across train and test
(Barz and Denzler 2020, https://arxiv.org/abs/1902.00423: 10 % of the test images).
"""

from torchvision.datasets import CIFAR100

from vyvod.data.contract import Card, Dataset, DataSettings
from vyvod.data.formats.cifar import CITATION, HOME, load_cifar

TASKS = ("classification",)
CARD = Card(
    title="CIFAR-100",
    homepage=HOME,
    licence="none stated by the authors; in use for research",
    citation=CITATION,
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
)


def load(settings: DataSettings, task: str) -> Dataset:
    """Load it from ``data.root``.

    Raises:
        DataError: files are missing or not the original ones.
    """
    return load_cifar(CIFAR100, CARD, settings, name="cifar100", labels="fine_labels")
