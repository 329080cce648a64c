"""Sentences that the records of an experiment hold, in the language of its report."""

from typing import Any

from vyvod.report.settings import Language

_TEXTS = {
    "goal": ("The {key} of the goal was {before} when it was registered and is {after} now.",
             "В цели при регистрации было {key} = {before}, теперь {after}."),
    "idea_text": ("The text of the idea was changed after it had been registered.",
                  "Текст идеи изменён после регистрации."),
    "seeds": ("The seeds were {before} when the experiment was registered and are {after} now.",
              "При регистрации были seed {before}, теперь {after}."),
    "target": ("The target was {before} when the experiment was registered and is {after} now.",
               "При регистрации порог для времени достижения был {before}, теперь {after}."),
    "idea_added": ("The idea {name} was added after the experiment had been registered.",
                   "Идея {name} добавлена после регистрации."),
    "idea_removed": ("The idea {name} was registered and is no longer in the file.",
                     "Идея {name} была зарегистрирована, но в файле её больше нет."),
    "idea_changed": ("What the idea {name} changes was {before} when it was registered and is {after} now.",
                     "Идея {name} при регистрации меняла {before}, теперь меняет {after}."),
    "baseline": ("{key} of the baseline was {before} when the experiment was registered and is {after} now.",
                 "В baseline при регистрации было {key} = {before}, теперь {after}."),
    "detectable": ("from {n} earlier runs of the baseline, whose standard deviation between seeds is {sd}, and {seeds} seeds an "
                   "arm; the test set, whose part depends on the idea, adds to it",
                   "по {n} прежним запускам baseline (стандартное отклонение между seed: {sd}) и {seeds} seed на вариант; "
                   "вклад тестовой выборки зависит от идеи и увеличивает её"),
    "undetectable": ("nothing is known beforehand about how much the runs of the baseline differ from seed to seed",
                     "заранее неизвестно, насколько запуски baseline различаются от seed к seed"),
    "data": ("The images of the {split} split differ (fingerprints {before} and {after}).",
             "Изображения выборки {split} различаются (отпечатки {before} и {after})."),
    "data_within": ("Not all runs of {arm} saw the same images of the {split} split.",
                    "Не все запуски {arm} видели одни и те же изображения выборки {split}."),
    "code": ("The code that computes the numbers differs (fingerprints {before} and {after}).",
             "Код, от которого зависят числа, различается (отпечатки {before} и {after})."),
    "hardware": ("The hardware differs: {before}; {after}.", "Оборудование различается: {before}; {after}."),
    "versions": ("The version of {name} differs: {before} and {after}.", "Версия {name} различается: {before} и {after}."),
    "setting": ("{key} differs besides: {before} and {after}.", "Кроме того, различается {key}: {before} и {after}."),
    "epochs": ("The number of epochs that were trained differs: {before} and {after}.",
               "Число обученных эпох различается: {before} и {after}."),
}  # fmt: skip


def sentence(kind: str, language: Language, /, **values: Any) -> str:
    """A sentence with its values."""
    english, russian = _TEXTS[kind]
    return (russian if language == "ru" else english).format(**values)
