"""The words of the notebook."""

from collections.abc import Mapping
from dataclasses import dataclass

from vyvod.report.settings import Language

TEXTS: Mapping[str, tuple[str, str]] = {
    "intro": (
        "This notebook repeats one training from its settings: it installs the versions of the libraries that were used, "
        "writes the settings to a file, trains, and shows the results. Run the cells from top to bottom.",
        "Этот ноутбук повторяет одно обучение по его настройкам: устанавливает те версии библиотек, которые были использованы, "
        "записывает настройки в файл, обучает сеть и показывает результаты. Выполняйте ячейки сверху вниз.",
    ),
    "gpu": (
        "A GPU makes it many times faster. Colab: *Runtime → Change runtime type*; Kaggle: *Settings → Accelerator*.",
        "На GPU обучение идёт намного быстрее. Colab: *Среда выполнения → Сменить среду выполнения*; "
        "Kaggle: *Settings → Accelerator*.",
    ),
    "install": ("## Libraries", "## Библиотеки"),
    "install_comment": (
        "Only what is missing here is installed. A line that you delete takes the version that is there already.",
        "Устанавливается только то, чего здесь нет. Если удалить строку, останется версия, которая уже установлена.",
    ),
    "vyvod_comment": (
        "vyvod itself. Package registries may not have it: then put its wheel (vyvod-*.whl) beside this notebook,\n"
        "# or clone its repository and write the folder here in place of the version.",
        "Сама программа vyvod. В реестре пакетов её может не быть: тогда положите рядом с ноутбуком её файл vyvod-*.whl\n"
        "# или клонируйте её репозиторий и укажите здесь папку вместо версии.",
    ),
    "vyvod_absent": (
        "vyvod is not installed: put its wheel (vyvod-*.whl) beside this notebook and run this cell again.",
        "Программа vyvod не установлена: положите рядом с ноутбуком её файл vyvod-*.whl и выполните ячейку ещё раз.",
    ),
    "differs": (
        "Not in the recorded version: ",
        "Версии отличаются от записанных: ",
    ),
    "restart": (
        "If something was loaded before it was installed, restart the session and go on from here.",
        "Если библиотека была загружена до установки, перезапустите сеанс и продолжайте с этой ячейки.",
    ),
    "settings": ("## Settings", "## Настройки"),
    "settings_lead": (
        "`vyvod settings` lists all settings with their meaning.",
        "Все настройки и их смысл показывает команда `vyvod settings`.",
    ),
    "no_wandb": (
        "Tracking in W&B was left out: it needs a login.",
        "Запись в W&B отключена: для неё нужно войти в учётную запись.",
    ),
    "own": (
        "The settings name own Python files; here they are. Other files that they import have to be put beside them.",
        "В настройках указаны собственные файлы Python; вот они. Другие файлы, которые они импортируют, нужно положить рядом.",
    ),
    "place": ("## Data", "## Данные"),
    "root_comment": (
        "Where the images lie. Colab: mount the Drive or upload an archive; Kaggle: add the data set, then /kaggle/input/NAME.",
        "Где лежат изображения. Colab: подключите Диск или загрузите архив; Kaggle: добавьте датасет, тогда /kaggle/input/NAME.",
    ),
    "download_comment": (
        "True: fetch the data set from its home, where that is possible.",
        "True: скачать датасет с его сайта, если это возможно.",
    ),
    "weights_comment": (
        "Initial weights: a file or run folder that has to be put beside this notebook.",
        "Начальные веса: файл или папка запуска, их нужно положить рядом с ноутбуком.",
    ),
    "weights_first_comment": (
        "Initial weights. Where they are not there, the trainings with the settings above come first.",
        "Начальные веса. Если их нет, сначала выполняется обучение с приведёнными выше настройками.",
    ),
    "first": (
        "The training begins from the weights of another run; these are its settings.",
        "Обучение начинается с весов другого запуска; вот его настройки.",
    ),
    "train": ("## Training", "## Обучение"),
    "results": ("## Training results", "## Результаты обучения"),
    "loss": ("### Loss", "### Функция потерь"),
    "metrics": ("### Metrics on the validation set", "### Метрики на валидации"),
    "examples": ("### Examples with the network's output", "### Примеры с ответами сети"),
    "values": ("### Metric values", "### Значения метрик"),
    "overall": ("Over all classes", "По всем классам"),
    "per_class": ("Per class, test", "По классам, test"),
    "metric": ("metric", "метрика"),
    "class": ("class", "класс"),
    "pack": ("## Take the results along", "## Сохранить результаты"),
    "pack_lead": (
        "The run folder without its checkpoints as a ZIP file. Unpacked into `runs/` of the coursework, "
        "it is a run like any other: `vyvod coursework homework` can write about it.",
        "Папка запуска без чекпоинтов в виде ZIP-файла. Если распаковать её в папку `runs/` учебного репозитория, "
        "это обычный запуск: команда `vyvod coursework homework` может описать его.",
    ),
}  # fmt: skip
"""Key -> English, Russian."""


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: Language

    def __call__(self, key: str) -> str:
        """The text of that key."""
        return TEXTS[key][self.language == "ru"]
