"""Every word of a report in English and Russian, and numbers as each language writes them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter

from vyvod.report.document import Inline, Text
from vyvod.report.settings import Language

NBSP = "\u00a0"
UNKNOWN = "—"

Entry = tuple[str, str]
"""English, Russian."""

_FORMS: dict[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "epoch": (("epoch", "epochs"), ("эпоха", "эпохи", "эпох")),
    "image": (("image", "images"), ("изображение", "изображения", "изображений")),
    "image_on": (("image", "images"), ("изображении", "изображениях", "изображениях")),
    "class": (("class", "classes"), ("класс", "класса", "классов")),
    "class_of": (("class", "classes"), ("класса", "классов", "классов")),
    "parameter": (("parameter", "parameters"), ("параметр", "параметра", "параметров")),
    "core": (("core", "cores"), ("ядро", "ядра", "ядер")),
    "device": (("device", "devices"), ("устройство", "устройства", "устройств")),
    "file": (("file", "files"), ("файл", "файла", "файлов")),
    "tensor": (("tensor", "tensors"), ("тензор", "тензора", "тензоров")),
    "pair": (("pair", "pairs"), ("пара", "пары", "пар")),
    "error": (("error", "errors"), ("ошибка", "ошибки", "ошибок")),
}
"""Noun -> English singular and plural; Russian forms after 1, 2 and 5. ``*_on`` and ``*_of`` follow a preposition."""

METRICS: dict[str, Entry] = {
    "f1": ("macro F1", "F1 (macro)"),
    "accuracy": ("accuracy", "доля верных ответов (accuracy)"),
    "precision": ("macro precision", "точность (precision, macro)"),
    "recall": ("macro recall", "полнота (recall, macro)"),
    "f1_micro": ("micro F1", "F1 (micro)"),
    "f1_weighted": ("weighted F1", "F1 (weighted)"),
    "precision_weighted": ("weighted precision", "точность (precision, weighted)"),
    "recall_weighted": ("weighted recall", "полнота (recall, weighted)"),
    "top5": ("top-5 accuracy", "top-5 accuracy"),
    "calibration_error": ("calibration error (ECE)", "ошибка калибровки (ECE)"),
    "loss": ("loss", "функция потерь"),
}
"""Names of overall metrics in tables and sentences. A metric that is not here is called as in the files."""

SHORT_METRICS: dict[str, Entry] = {
    "f1": ("F1", "F1"),
    "precision": ("precision", "точность (precision)"),
    "recall": ("recall", "полнота (recall)"),
    "support": ("support", "число изображений (support)"),
    "accuracy": ("accuracy", "accuracy"),
}
"""The same for one class."""

CURVES: dict[str, Entry] = {
    "f1": ("macro F1", "F1 (macro)"),
    "precision": ("precision", "точность"),
    "recall": ("recall", "полнота"),
    "accuracy": ("accuracy", "accuracy"),
}
"""The same where there is little room: beside a line, on a tile."""

AUDIT: dict[str, Entry] = {
    "unreadable": ("unreadable images", "нечитаемые изображения"),
    "exact": ("exact copies", "точные копии"),
    "near": ("near copies", "почти одинаковые изображения"),
    "label_conflicts": ("copies with different classes", "копии с разными классами"),
    "odd_formats": ("files that may be no proper image", "подозрительные файлы"),
    "exif_rotated": ("images rotated by EXIF", "изображения, повёрнутые по EXIF"),
}
"""Findings of the audit."""

TEXTS: dict[str, Entry] = {
    # Heading
    "title": ("{model} on {data}", "{model} на датасете {data}"),
    "byline_author": ("{author} · ", "{author} · "),
    "byline_run": ("run {run}, {date}", "запуск {run}, {date}"),
    "byline_seed": (", seed {seed}", ", seed {seed}"),
    "footer": (
        "Written by Vyvod {version} from the files of the run folder; every number can be recomputed from them.",
        "Отчёт построен программой Vyvod {version} по файлам папки запуска; каждое число можно пересчитать по ним.",
    ),
    "headline": (
        "{model} reaches {metric} {value} on {images} of the {split} split of {data}",
        "Сеть {model} показывает {metric} = {value} на {images} {split} выборки датасета {data}",
    ),
    "headline_accuracy": (
        "; it names the right class for {share} of them.",
        "; верный класс назван для {share} из них.",
    ),
    "headline_end": (".", "."),
    "headline_none": (
        "{model} on {data}: there are no scores yet.",
        "Сеть {model} на датасете {data}: значений метрик пока нет.",
    ),
    "split_train": ("train", "train"),
    "split_val": ("val", "val"),
    "split_test": ("test", "test"),
    "of_split_train": ("train", "обучающей"),
    "of_split_val": ("val", "валидационной"),
    "of_split_test": ("test", "тестовой"),
    "long_split_train": ("train: the network learns from it", "train (обучающая): на ней учится сеть"),
    "long_split_val": ("val: chooses the checkpoint", "val (валидационная): по ней выбран чекпойнт"),
    "long_split_test": ("test: used once, for the report", "test (тестовая): использована один раз, для отчёта"),
    "tile_score": ("{metric}, {split}", "{metric}, {split}"),
    "tile_epoch": ("best epoch of {epochs}", "лучшая эпоха из {epochs}"),
    "tile_time": ("training", "обучение"),
    "tile_parameters": ("parameters", "параметров"),
    # What the reader must know
    "note_running": (
        "This run is not finished: it is still running. The report shows what is in its folder so far.",
        "Запуск не завершён: обучение ещё идёт. В отчёте то, что уже есть в папке запуска.",
    ),
    "note_interrupted": (
        "This run is not finished: it was interrupted. The report shows what is in its folder so far; {command} goes on with it.",
        "Запуск не завершён: он был прерван. В отчёте то, что уже есть в папке запуска; продолжить: {command}.",
    ),
    "note_failed": (
        "This run is not finished: it failed. The report shows what is in its folder so far.",
        "Запуск не завершён: он остановился с ошибкой. В отчёте то, что уже есть в папке запуска.",
    ),
    "note_error": ("It stopped with: {error}", "Сообщение об ошибке: {error}"),
    "note_no_test": (
        "The test split has not been evaluated. The values below are those of val, the split that chose the checkpoint, "
        "and are therefore optimistic.",
        "Тестовая выборка не оценивалась. Ниже значения на val, то есть на выборке, по которой выбран чекпойнт; "
        "они завышены.",
    ),
    "note_untrained": (
        "Nothing was trained in this run: given weights were evaluated.",
        "В этом запуске сеть не обучалась: оценены готовые веса.",
    ),
    "note_undefined": (
        "{dash} stands for a value that is undefined, such as the F1 of a class without images.",
        "{dash} означает, что значение не определено, например F1 класса без изображений.",
    ),
    "note_lost_examples": (
        "{files} of the gallery could not be found in the run folder.",
        "Не найдено изображений галереи в папке запуска: {files}.",
    ),
    # Sections
    "section_task": ("The task", "Задача"),
    "section_data": ("The data set", "Датасет"),
    "section_training": ("Training", "Обучение"),
    "section_examples": ("Examples", "Примеры"),
    "section_scores": ("Scores", "Значения метрик"),
    "section_classes": ("Scores of each class", "Метрики по классам"),
    "section_confusion": ("Confusion matrix", "Матрица ошибок"),
    "section_calibration": ("Calibration", "Калибровка"),
    "section_cost": ("Cost", "Затраты"),
    "section_repeat": ("How to repeat", "Как повторить"),
    "section_settings": ("Settings", "Настройки"),
    "section_history": ("History", "История запуска"),
    "contents": ("Contents", "Содержание"),
    # Task
    "task_classification": (
        "Classification: the network names one of {classes} for every image. The classes are {names}.",
        "Классификация: для каждого изображения сеть называет один из {classes}. Классы: {names}.",
    ),
    "task_classification_many": (
        "Classification: the network names one of {classes} for every image, from {names} to {last}; "
        "the table of classes lists all of them.",
        "Классификация: для каждого изображения сеть называет один из {classes}: от {names} до {last}; "
        "все они перечислены в таблице метрик по классам.",
    ),
    "task_input": (
        "The images are {native}; the network sees them as {input}, {channels}{resized}.",
        "Изображения: {native}; на вход сети подаются в размере {input}, {channels}{resized}.",
    ),
    "task_input_same": ("The images are {native}, {channels}.", "Изображения: {native}, {channels}."),
    "native_fixed": ("{height} × {width} pixels", "{height} × {width} пикселей"),
    "native_various": ("of various sizes", "разных размеров"),
    "resized": (", resized", ", с изменением размера"),
    "grey": ("grey", "в оттенках серого"),
    "colour": ("in colour", "в цвете"),
    "task_model": ("The network is {model}", "Сеть: {model}"),
    "task_model_title": (" ({title})", " ({title})"),
    "task_weights": (
        ". It starts from {source}: {loaded} loaded, {missing} not loaded.",
        ". Начальные веса: {source}; загружено: {loaded}, не загружено: {missing}.",
    ),
    "task_scratch": (". It starts from random weights.", ". Начальные веса случайные."),
    "task_headline": (
        "The headline metric is {metric}: it chooses the checkpoint on val.",
        "Главная метрика: {metric}. По её значению на val выбирается чекпойнт.",
    ),
    # Data
    "data_facts": ("{title}. Licence: {licence}.", "{title}. Лицензия: {licence}."),
    "data_citation": ("Citation: {citation}", "Источник: {citation}"),
    "table_splits": ("Splits", "Выборки"),
    "col_split": ("split", "выборка"),
    "col_images": ("images", "изображений"),
    "col_smallest": ("smallest class", "наименьший класс"),
    "col_largest": ("largest class", "наибольший класс"),
    "col_origin": ("where it comes from", "происхождение"),
    "col_role": ("its part", "роль"),
    "origin_official": ("official split {source}", "исходная выборка {source}"),
    "origin_carved": (
        "carved out of {source}: {share}, stratified by class, seed {seed}",
        "выделена из {source}: {share}, со стратификацией по классам, seed {seed}",
    ),
    "origin_all": ("the whole data set", "весь датасет"),
    "balance_even": (
        "The classes are balanced: the largest class of the train split has {ratio} times the images of the smallest.",
        "Классы сбалансированы: в обучающей выборке самый большой класс больше самого маленького в {ratio} раза.",
    ),
    "balance_equal": (
        "The classes are balanced: every class has {images} in the train split.",
        "Классы сбалансированы: в обучающей выборке на каждый класс приходится {images}.",
    ),
    "balance_uneven": (
        "The classes are not balanced: in the train split {largest} has {most}, {smallest} has {least} "
        "({ratio} times fewer). Macro values weigh all classes alike, accuracy favours the large ones.",
        "Классы не сбалансированы: в обучающей выборке у класса {largest} {most}, а у класса {smallest} {least} "
        "(в {ratio} раза меньше). Значения macro учитывают все классы одинаково, accuracy зависит в основном от больших.",
    ),
    "balance_empty": (
        "The classes are not balanced: {smallest} has no image in the train split, {largest} has {most}.",
        "Классы не сбалансированы: у класса {smallest} нет изображений в обучающей выборке, у класса {largest} {most}.",
    ),
    "audit_clean": (
        "The audit of the images found no problems (checked: {checks}).",
        "Проверка изображений проблем не выявила (проверено: {checks}).",
    ),
    "audit_found": ("The audit of the images found: {findings}.", "Проверка изображений нашла: {findings}."),
    "audit_leak": (
        "Images that occur in two splits make the values of the report look better than they are.",
        "Изображения, попавшие сразу в две выборки, завышают значения метрик в отчёте.",
    ),
    "audit_within": ("within {split}", "внутри {split}"),
    "audit_across": ("shared by {first} and {second}", "в {first} и {second} одновременно"),
    "audit_mode": ("images of mode {mode}", "изображения в режиме {mode}"),
    "audit_none": (
        "The images were not audited in this run; {command} does it.",
        "Проверка изображений в этом запуске не проводилась; её выполняет {command}.",
    ),
    "skipped": (
        "{files} could not be read and were left out: {names}.",
        "Не удалось прочитать и пропущено: {files} ({names}).",
    ),
    "more": ("{names} and {count} more", "{names} и ещё {count}"),
    # Training
    "epochs_done": (
        "{epochs} in {time}; the best epoch, by {metric} on val, is {best} ({value}).",
        "{epochs} за {time}; лучшая эпоха по {metric} на val: {best} ({value}).",
    ),
    "epochs_last": (
        "The best epoch is the last one: a longer training might still improve the network.",
        "Лучшая эпоха последняя: более долгое обучение могло бы ещё улучшить результат.",
    ),
    "overfit": (
        "The val loss was lowest in epoch {epoch} ({low}) and ended at {last}, while the train loss fell to {train}: "
        "from epoch {epoch} on the network mostly memorised.",
        "Функция потерь на val была наименьшей в эпоху {epoch} ({low}), а закончилась значением {last}, тогда как на train "
        "она упала до {train}: после эпохи {epoch} сеть в основном запоминала обучающую выборку (переобучение).",
    ),
    "loss_end": (
        "After the last epoch the loss is {train} on train and {val} on val.",
        "После последней эпохи функция потерь равна {train} на train и {val} на val.",
    ),
    "fig_loss": ("Loss", "Функция потерь"),
    "fig_metrics": ("Metrics on val", "Метрики на валидации"),
    "fig_learning_rate": ("Learning rate", "Скорость обучения (learning rate)"),
    "cap_loss": ("Loss on train and val after every epoch.", "Функция потерь на train и val после каждой эпохи."),
    "cap_metrics": (
        "Metrics on val after every epoch; the marked epoch is the one whose weights are reported.",
        "Метрики на валидации после каждой эпохи: F1, accuracy, точность (precision) и полнота (recall). "
        "Отмечена эпоха, веса которой вошли в отчёт.",
    ),
    "cap_learning_rate": ("Learning rate in every epoch.", "Скорость обучения в каждую эпоху."),
    "cap_class_balance": ("Images of each class, by split.", "Число изображений каждого класса по выборкам."),
    "alt_curve": ("{name}: from {first} to {last}", "{name}: от {first} до {last}"),
    "axis_epoch": ("epoch", "эпоха"),
    "axis_number": ("images", "число"),
    "axis_class_rank": ("classes, in order of size", "классы в порядке убывания размера"),
    "best_epoch": ("best epoch {epoch}", "лучшая эпоха {epoch}"),
    # Examples
    "examples_lead": (
        "Drawn with a fixed seed, plus the images on which the network was most wrong and most sure and right.",
        "Выбраны случайно с фиксированным seed; к ним добавлены самые грубые ошибки и самые уверенные верные ответы.",
    ),
    "cap_examples": (
        "True class → predicted class, with the probability that the network gives it. "
        "✓ and a solid frame: right. ✗ and a dashed frame: wrong.",
        "Истинный класс → предсказанный класс и вероятность, которую сеть ему приписывает. "
        "✓ и сплошная рамка: верно. ✗ и пунктирная рамка: ошибка.",
    ),
    "alt_examples": (
        "{images} with the network's output, {right} of them right",
        "{images} с ответами сети, верных ответов: {right}",
    ),
    "right": ("right", "верно"),
    "wrong": ("wrong", "ошибка"),
    "role_random": ("random", "случайно"),
    "role_worst": ("worst", "худшее"),
    "role_best": ("best", "лучшее"),
    "role_gallery": ("gallery", "галерея"),
    "truth": ("true", "истина"),
    "predicted": ("predicted", "ответ"),
    "filter_all": ("All", "Все"),
    "filter_right": ("Right", "Верные"),
    "filter_wrong": ("Wrong", "Ошибки"),
    "filter_class": ("True class", "Истинный класс"),
    "filter_every_class": ("all classes", "все классы"),
    "filter_label": ("Filter the examples", "Фильтр примеров"),
    "show_more": ("Show all", "Показать все"),
    "shown": ("shown: {shown} of {all}", "показано: {shown} из {all}"),
    "no_examples": ("The run folder holds no examples.", "В папке запуска нет примеров."),
    # Scores
    "table_overall": (
        "Values of the chosen checkpoint. Val chose it, so that only test is free of that choice.",
        "Значения выбранного чекпойнта. Он выбран по val, поэтому от этого выбора не зависит только test.",
    ),
    "col_metric": ("metric", "метрика"),
    "accuracy_interval": (
        "Accuracy on {split}: {right} of {images}, {value}; the 95 % interval for a split of this size is {low} to {high} "
        "(Wilson). It does not contain the variation between seeds.",
        "Accuracy на {split}: {right} из {images}, {value}; 95-процентный интервал для выборки такого размера: "
        "от {low} до {high} (Уилсон). Разброс между запусками с разными seed в него не входит.",
    ),
    "lower_better": ("{metric} (lower is better)", "{metric} (меньше — лучше)"),
    "table_classes": (
        "Classes on the {split} split, in the order of the data set",
        "Классы на {split}, в порядке датасета",
    ),
    "col_number": ("№", "№"),
    "col_class": ("class", "класс"),
    "classes_extremes": (
        "Best is {best} with F1 {high}, weakest is {worst} with F1 {low}.",
        "Лучше всего распознаётся {best} (F1 {high}), хуже всего {worst} (F1 {low}).",
    ),
    "fig_per_class": ("F1 of each class on {split}", "F1 по классам на {split}"),
    "fig_per_class_some": (
        "F1 of the weakest and the best classes on {split}",
        "F1 худших и лучших классов на {split}",
    ),
    "cap_per_class": (
        "F1 of each class (bar), its precision and recall (marks), sorted by F1.",
        "F1 каждого класса (полоса), его точность (precision) и полнота (recall) (метки); классы упорядочены по F1.",
    ),
    "cap_per_class_some": (
        "The {worst} weakest and the {best} best of {classes}: F1 (bar), precision and recall (marks). "
        "The table holds all of them.",
        "Худшие ({worst}) и лучшие ({best}) из {classes}: F1 (полоса), точность (precision) и полнота (recall) (метки). "
        "Остальные приведены в таблице.",
    ),
    "between": ("… {classes} in between …", "… ещё {classes} …"),
    # Confusion
    "fig_confusion": ("Confusion matrix on {split}", "Матрица ошибок на {split}"),
    "cap_confusion": (
        "Rows are the true class, columns the predicted one. A cell holds the number of images and, below it, their share "
        "of the row; the stronger the colour, the larger the share. Errors (orange) lie off the diagonal.",
        "Строки — истинный класс, столбцы — предсказанный. В ячейке число изображений и под ним их доля в строке; "
        "чем насыщеннее цвет, тем больше доля. Ошибки (оранжевые) лежат вне диагонали.",
    ),
    "cap_confusion_many": (
        "Rows are the true class, columns the predicted one, both by their number in the table of classes. "
        "The stronger its colour, the larger the share of a cell in its row. Errors (orange) lie off the diagonal.",
        "Строки — истинный класс, столбцы — предсказанный; номера классов как в таблице метрик по классам. "
        "Чем насыщеннее цвет ячейки, тем больше её доля в строке. Ошибки (оранжевые) лежат вне диагонали.",
    ),
    "axis_truth": ("true class", "истинный класс"),
    "axis_predicted": ("predicted class", "предсказанный класс"),
    "table_confusions": ("The most frequent confusions", "Самые частые ошибки"),
    "col_share_of_truth": ("share of the true class", "доля истинного класса"),
    "col_errors": ("images", "изображений"),
    "confusion_top": (
        "{errors} on {images}. The most frequent: {truth} taken for {predicted}, {count} of {support} ({share}).",
        "{errors} на {images}. Самая частая: класс {truth} принят за {predicted}, {count} из {support} ({share}).",
    ),
    "confusion_none": ("No errors on {images}.", "На {images} нет ни одной ошибки."),
    # Calibration
    "fig_reliability": ("Confidence and accuracy on {split}", "Уверенность и доля верных ответов на {split}"),
    "cap_reliability": (
        "Images grouped by the probability of the predicted class. On the diagonal the network is as sure as it is right; "
        "below it, it is too sure. Hollow: fewer than {few} images, mostly chance. Below: how many images fall into each group.",
        "Изображения сгруппированы по вероятности предсказанного класса. На диагонали уверенность сети равна доле верных "
        "ответов, ниже неё сеть слишком уверена. Пустой кружок: в группе меньше {few} изображений, значение случайно. "
        "Внизу: сколько изображений попало в каждую группу.",
    ),
    "axis_confidence": (
        "confidence (probability of the predicted class)",
        "уверенность (вероятность предсказанного класса)",
    ),
    "axis_accuracy": ("share that is right", "доля верных"),
    "calibration_over": (
        "On average the network is {confidence} sure and {accuracy} right: it is too sure by {gap} percentage points.",
        "В среднем уверенность сети {confidence}, а верных ответов {accuracy}: сеть слишком уверена на {gap} п. п.",
    ),
    "calibration_under": (
        "On average the network is {confidence} sure and {accuracy} right: it is not sure enough by {gap} percentage points.",
        "В среднем уверенность сети {confidence}, а верных ответов {accuracy}: сети не хватает уверенности на {gap} п. п.",
    ),
    "calibration_even": (
        "On average the network is {confidence} sure and {accuracy} right: as sure as it should be.",
        "В среднем уверенность сети {confidence}, а верных ответов {accuracy}: уверенность соответствует качеству.",
    ),
    "calibration_ece": (
        "The expected calibration error over 15 bins is {value}.",
        "Ожидаемая ошибка калибровки (ECE) по 15 интервалам: {value}.",
    ),
    "too_sure": ("too sure", "слишком уверена"),
    "too_humble": ("not sure enough", "недостаточно уверена"),
    # Cost
    "col_quantity": ("quantity", "величина"),
    "col_value": ("value", "значение"),
    "table_cost": ("Cost of the network and of the training", "Вычислительные затраты"),
    "cost_parameters": ("parameters", "параметры"),
    "cost_trainable": ("of them trained", "из них обучаемые"),
    "cost_macs": ("multiply-adds per image (MACs)", "умножений со сложением на изображение (MAC)"),
    "cost_training": ("training time", "время обучения"),
    "cost_epoch": ("time per epoch", "время одной эпохи"),
    "cost_rate": ("images per second in training", "изображений в секунду при обучении"),
    "cost_evaluation": ("evaluation time", "время оценки"),
    "cost_memory": ("peak memory", "пиковая память"),
    "cost_hardware": ("hardware", "оборудование"),
    "cost_precision": ("precision of numbers", "разрядность вычислений"),
    # Repeat
    "repeat_command": ("The run was started with", "Запуск был начат командой"),
    "repeat_again": ("and can be repeated from its own settings with", "и повторяется по его же настройкам:"),
    "repeat_facts": ("Versions and fingerprints", "Версии и контрольные суммы"),
    "repeat_seed": ("seed", "seed"),
    "repeat_commit": ("code (git commit)", "код (git commit)"),
    "repeat_started": ("started", "начало"),
    "repeat_ended": ("ended", "окончание"),
    "repeat_fingerprint": ("fingerprint of {split}", "контрольная сумма {split}"),
    "repeat_dirty": (
        "The code had uncommitted changes when the run was started: the commit alone does not repeat it.",
        "При запуске в коде были незафиксированные изменения: одного коммита для повторения недостаточно.",
    ),
    "commit_dirty": ("{commit} with uncommitted changes", "{commit} с незафиксированными изменениями"),
    "repeat_requirements": (
        "Exact versions of all packages are in {file}.",
        "Точные версии всех пакетов записаны в {file}.",
    ),
    "settings_lead": ("The merged settings, as in {file}.", "Итоговые настройки, как в {file}."),
    "settings_fold": ("Show the settings", "Показать настройки"),
    "table_history": ("What happened to the run", "Что происходило с запуском"),
    "col_event": ("event", "событие"),
    "col_time": ("time (UTC)", "время (UTC)"),
    "col_epoch": ("epoch", "эпоха"),
    "event_started": ("started", "начат"),
    "event_resumed": ("resumed", "продолжен"),
    "event_extended": ("extended", "продлён"),
    "event_interrupted": ("interrupted", "прерван"),
    "event_finished": ("finished", "завершён"),
    "event_failed": ("failed", "остановлен ошибкой"),
    "event_evaluated": ("evaluated", "оценён"),
    # Controls of the page
    "theme": ("Light / dark", "Светлая / тёмная"),
    "sort_hint": ("A click on a column's head sorts the table.", "Щелчок по заголовку столбца сортирует таблицу."),
    "top_answers": ("most probable", "самые вероятные"),
    "unfold_table": ("Show all rows ({rows})", "Показать все строки ({rows})"),
    "alt_table": ("{title}. The values are in the table below.", "{title}. Значения приведены в таблице ниже."),
    "skip_link": ("To the content", "К содержанию"),
    "second": ("s", "с"),
    "minute": ("min", "мин"),
    "hour": ("h", "ч"),
    "thousand": ("k", "тыс."),
    "million": ("M", "млн"),
    "billion": ("G", "млрд"),
    "mebibyte": ("MiB", "МиБ"),
    "gibibyte": ("GiB", "ГиБ"),
    "quote_open": ("“", "«"),
    "quote_close": ("”", "»"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words and numbers of one language."""

    language: Language

    def say(self, key: str, **values: object) -> str:
        """A sentence or label as plain text."""
        return self._pick(TEXTS[key]).format(**values)

    def text(self, key: str, **values: Inline) -> Text:
        """A sentence whose parts keep their emphasis, code or link."""
        parts: list[Inline] = []
        for literal, name, _, _ in Formatter().parse(self._pick(TEXTS[key])):
            parts += [literal] if literal else []
            parts += [values[name]] if name else []
        return tuple(parts)

    def metric(self, name: str) -> str:
        """The name of an overall metric."""
        return self._named(METRICS, name)

    def short_metric(self, name: str) -> str:
        """The name of a metric of one class, or on a label."""
        return self._named(SHORT_METRICS, name)

    def curve(self, name: str) -> str:
        """The name of an overall metric beside its line, or on a tile."""
        return self._named(CURVES, name)

    def finding(self, name: str) -> str:
        """The name of a finding of the audit."""
        return self._named(AUDIT, name)

    def event(self, name: str) -> str:
        """The name of an event in the history of a run."""
        return self.say(f"event_{name}") if f"event_{name}" in TEXTS else name

    def count(self, number: int, noun: str) -> str:
        """``1 epoch``, ``5 epochs``; ``1 эпоха``, ``2 эпохи``, ``5 эпох``."""
        english, russian = _FORMS[noun]
        form = english[number != 1] if self.language == "en" else russian[russian_form(number)]
        return f"{self.integer(number)}{NBSP}{form}"

    def number(self, value: float | None, digits: int = 4) -> str:
        """A value with that many decimals; a dash where it is unknown or NaN."""
        if value is None or math.isnan(value):
            return UNKNOWN
        return self._localised(f"{value:,.{digits}f}")

    def integer(self, value: float | None) -> str:
        """A whole number with its thousands apart."""
        return self.number(value, 0)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share of 1 as per cent."""
        if share is None or math.isnan(share):
            return UNKNOWN
        return self.number(100 * share, digits) + (NBSP if self.language == "ru" else "") + "%"

    def tick(self, value: float) -> str:
        """A number on an axis, as short as it can be."""
        text = f"{value:.10g}"
        return self._localised(text).replace("-", "\u2212") if "e" not in text else self._localised(f"{value:.0e}")

    def large(self, value: float | None) -> str:
        """A large count in three digits: ``94.4 k``, ``11.2 M``."""
        if value is None or math.isnan(value):
            return UNKNOWN
        for size, unit in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
            if value >= size:
                return f"{self._localised(f'{value / size:.3g}')}{NBSP}{self.say(unit)}"
        return self.integer(value)

    def duration(self, seconds: float | None) -> str:
        """A time in its two largest units."""
        if seconds is None or math.isnan(seconds):
            return UNKNOWN
        if seconds < 60:
            return f"{self.number(seconds, 2 if seconds < 10 else 1)}{NBSP}{self.say('second')}"
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes}{NBSP}{self.say('minute')} {rest}{NBSP}{self.say('second')}"
        return f"{minutes // 60}{NBSP}{self.say('hour')} {minutes % 60}{NBSP}{self.say('minute')}"

    def memory(self, size: float | None) -> str:
        """A number of bytes in MiB or GiB."""
        if size is None or math.isnan(size):
            return UNKNOWN
        small = size < 2**30
        value = self.number(size / (2**20 if small else 2**30), 0 if small else 1)
        return f"{value}{NBSP}{self.say('mebibyte' if small else 'gibibyte')}"

    def date(self, stamp: str | None) -> str:
        """A day, from an ISO 8601 time; the stamp itself where it is none."""
        return self._time(stamp, "%Y-%m-%d", "%d.%m.%Y")

    def moment(self, stamp: str | None) -> str:
        """Day and time, from an ISO 8601 time."""
        return self._time(stamp, "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")

    def quoted(self, name: str) -> str:
        """A name in the quotation marks of the language."""
        return f"{self.say('quote_open')}{name}{self.say('quote_close')}"

    def _time(self, stamp: str | None, english: str, russian: str) -> str:
        if not stamp:
            return UNKNOWN
        try:
            return datetime.fromisoformat(stamp).strftime(english if self.language == "en" else russian)
        except ValueError:
            return stamp

    def _pick(self, entry: Entry) -> str:
        return entry[self.language == "ru"]

    def _named(self, names: Mapping[str, Entry], name: str) -> str:
        return self._pick(names[name]) if name in names else name.replace("_", " ")

    def _localised(self, text: str) -> str:
        return text if self.language == "en" else text.replace(",", NBSP).replace(".", ",")


def russian_form(number: int) -> int:
    """Which of the three Russian forms follows a number: 0 (1, 21), 1 (2..4, 22), 2 (0, 5..20, 25)."""
    last, teens = number % 10, 11 <= number % 100 <= 14
    if last == 1 and not teens:
        return 0
    return 1 if 2 <= last <= 4 and not teens else 2
