"""The words of every report: (English, Russian)."""

Entry = tuple[str, str]

FORMS: dict[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "epoch": (("epoch", "epochs"), ("эпоха", "эпохи", "эпох")),
    "image": (("image", "images"), ("изображение", "изображения", "изображений")),
    "image_of": (("image", "images"), ("изображения", "изображений", "изображений")),
    "image_on": (("image", "images"), ("изображении", "изображениях", "изображениях")),
    "class": (("class", "classes"), ("класс", "класса", "классов")),
    "class_of": (("class", "classes"), ("класса", "классов", "классов")),
    "parameter": (("parameter", "parameters"), ("параметр", "параметра", "параметров")),
    "core": (("core", "cores"), ("ядро", "ядра", "ядер")),
    "device": (("device", "devices"), ("устройство", "устройства", "устройств")),
    "file": (("file", "files"), ("файл", "файла", "файлов")),
    "tensor": (("tensor", "tensors"), ("тензор", "тензора", "тензоров")),
    "pair": (("pair", "pairs"), ("пара", "пары", "пар")),
    "mask": (("mask", "masks"), ("маска", "маски", "масок")),
    "object": (("object", "objects"), ("объект", "объекта", "объектов")),
    "object_of": (("object", "objects"), ("объекта", "объектов", "объектов")),
    "box": (("box", "boxes"), ("рамка", "рамки", "рамок")),
    "error": (("error", "errors"), ("ошибка", "ошибки", "ошибок")),
}
"""Noun -> English singular and plural; Russian forms after 1, 2 and 5. ``*_on`` and ``*_of`` follow a preposition."""

METRICS: dict[str, Entry] = {
    "f1": ("macro F1", "F1 (macro)"),
    "precision": ("macro precision", "точность (precision, macro)"),
    "recall": ("macro recall", "полнота (recall, macro)"),
    "loss": ("loss", "функция потерь"),
}
"""Names of overall metrics in tables and sentences. A metric that is not here is called as in the files."""

SHORT_METRICS: dict[str, Entry] = {
    "f1": ("F1", "F1"),
    "precision": ("precision", "точность (precision)"),
    "recall": ("recall", "полнота (recall)"),
}
"""The same for one class."""

CURVES: dict[str, Entry] = {
    "f1": ("macro F1", "F1 (macro)"),
    "precision": ("precision", "точность"),
    "recall": ("recall", "полнота"),
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
    "title": ("{model} on {data}", "Сеть {model} на датасете {data}"),
    "byline_author": ("{author} · ", "{author} · "),
    "byline_run": ("run {run}, {date}", "запуск {run}, {date}"),
    "byline_seed": (", seed {seed}", ", seed {seed}"),
    "footer": (
        "Written by Vyvod {version} from the files of the run folder; every number can be recomputed from them.",
        "Отчёт построен программой Vyvod {version} по файлам папки запуска; каждое число можно пересчитать по ним.",
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
    "long_split_val": ("val: chooses the checkpoint", "val (валидационная): по ней выбран чекпоинт"),
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
        "Тестовая выборка не оценивалась. Ниже значения на val, то есть на выборке, по которой выбран чекпоинт; "
        "они завышены.",
    ),
    "note_untrained": (
        "Nothing was trained in this run: given weights were evaluated.",
        "В этом запуске сеть не обучалась: оценены готовые веса.",
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
    "section_cost": ("Cost", "Затраты"),
    "section_repeat": ("How to repeat", "Как повторить"),
    "section_settings": ("Settings", "Настройки"),
    "section_history": ("History", "История запуска"),
    "contents": ("Contents", "Содержание"),
    # Task
    "native_fixed": ("{height} × {width} pixels", "{height} × {width} пикселей"),
    "native_various": ("of various sizes", "разных размеров"),
    "resized": (", resized", ", с изменением размера"),
    "grey": ("grey", "в оттенках серого"),
    "colour": ("in colour", "в цвете"),
    "task_model": ("The network is {model}", "Сеть: {model}"),
    "task_model_title": (" ({title})", " ({title})"),
    "task_weights": (
        ". It starts from {source}: {loaded} loaded, {missing} not loaded and initialised anew ({names}).",
        ". Начальные веса: {source}; загружено: {loaded}, не загружено и инициализировано случайно: {missing} ({names}).",
    ),
    "task_weights_all": (
        ". It starts from {source}: {loaded} loaded.",
        ". Начальные веса: {source}; загружено: {loaded}.",
    ),
    "task_scratch": (". It starts from random weights.", ". Начальные веса случайные."),
    "task_headline": (
        "The headline metric is {metric}: it chooses the checkpoint on val.",
        "Главная метрика: {metric}. По её значению на val выбирается чекпоинт.",
    ),
    # Data
    "data_facts": ("{title}. Licence: {licence}.", "{title}. Лицензия: {licence}."),
    "data_citation": ("Citation: {citation}", "Источник: {citation}"),
    "table_splits": ("Splits", "Выборки"),
    "col_split": ("split", "выборка"),
    "col_images": ("images", "изображений"),
    "col_origin": ("where it comes from", "происхождение"),
    "col_role": ("its part", "роль"),
    "origin_official": ("official split {source}", "исходная выборка {source}"),
    "origin_carved": (
        "carved out of {source}: {share}, stratified by class, seed {seed}",
        "выделена из {source}: {share}, со стратификацией по классам, seed {seed}",
    ),
    "origin_fixed": ("a fixed part of {source}: {share}", "фиксированная часть ({source}): {share}"),
    "origin_all": ("the whole data set", "весь датасет"),
    "origin_limited": (
        "{origin}; at most {images} of it were taken (data.limit)",
        "{origin}; взято не более {images} (data.limit)",
    ),
    "data_notes": ("Noticed while the data set was read:", "Замечено при чтении датасета:"),
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
        "После последней эпохи функция потерь составляет {train} на train и {val} на val.",
    ),
    "one_epoch": (
        "The figures show single points: a curve needs at least 2 epochs.",
        "На рисунках видны отдельные точки: для кривой нужно не меньше 2 эпох.",
    ),
    "fig_loss": ("Loss", "Функция потерь"),
    "fig_metrics": ("Metrics on val", "Метрики на валидации"),
    "fig_learning_rate": ("Learning rate", "Скорость обучения (learning rate)"),
    "cap_loss": ("Loss on train and val after every epoch.", "Функция потерь на train и val после каждой эпохи."),
    "cap_learning_rate": ("Learning rate in every epoch.", "Скорость обучения в каждую эпоху."),
    "cap_loss_parts": (
        "Thin lines: the parts of which the train loss is the sum.",
        "Тонкие линии: слагаемые функции потерь на train.",
    ),
    "alt_curve": ("{name}: from {first} to {last}", "{name}: от {first} до {last}"),
    "axis_epoch": ("epoch", "эпоха"),
    "axis_number": ("images", "число"),
    "axis_class_rank": ("classes, in order of size", "классы в порядке убывания размера"),
    "best_epoch": ("best epoch {epoch}", "лучшая эпоха {epoch}"),
    # Examples
    "role_random": ("random", "случайно"),
    "role_worst": ("worst", "худшее"),
    "role_best": ("best", "лучшее"),
    "role_gallery": ("gallery", "галерея"),
    "truth": ("true", "истина"),
    "filter_all": ("All", "Все"),
    "filter_every_class": ("all classes", "все классы"),
    "filter_label": ("Filter the examples", "Фильтр примеров"),
    "show_more": ("Show all", "Показать все"),
    "shown": ("shown: {shown} of {all}", "показано: {shown} из {all}"),
    "no_examples": ("The run folder holds no examples.", "В папке запуска нет примеров."),
    "group_random": ("Random", "Случайные"),
    "group_worst": ("Worst", "Худшие"),
    "group_best": ("Best", "Лучшие"),
    "group_gallery": ("Others", "Остальные"),
    "filter_occurs": ("With the class", "Есть класс"),
    "sort_by": ("Order", "Порядок"),
    "sort_stored": ("as chosen", "по группам"),
    "sort_ascending": ("{metric} ascending", "{metric} по возрастанию"),
    "sort_descending": ("{metric} descending", "{metric} по убыванию"),
    "legend": ("Colours", "Цвета"),
    "enlarge": ("Enlarge", "Крупнее"),
    # Scores
    "table_overall": (
        "Values of the chosen checkpoint. Val chose it, so that only test is free of that choice.",
        "Значения выбранного чекпоинта. Он выбран по val, поэтому от этого выбора не зависит только test.",
    ),
    "col_metric": ("metric", "метрика"),
    "col_definition": ("what it is", "что это"),
    "lower_better": ("{metric}, lower is better", "{metric}, меньше — лучше"),
    "table_classes": (
        "Classes on the {split} split, in the order of the data set",
        "Классы на {split}, в порядке датасета",
    ),
    "col_number": ("№", "№"),
    "col_class": ("class", "класс"),
    "between": ("… {classes} in between …", "… ещё {classes} …"),
    # Images
    "section_images": ("Scores of the images", "Метрики по изображениям"),
    "images_spread": (
        "Half of the images have {metric} above {median}; a tenth of them lie below {low}.",
        "У половины изображений {metric} выше {median}, у десятой части — ниже {low}.",
    ),
    "fig_images": ("{metric} of the images on {split}", "{metric} по изображениям на {split}"),
    "cap_images": (
        "How many images have which {metric}. The dashed line is the median.",
        "Число изображений с данным {metric}. Пунктирная линия: медиана.",
    ),
    "axis_image": ("{metric} of an image", "{metric} изображения"),
    "median": ("median {value}", "медиана {value}"),
    "table_weakest": ("The weakest images", "Худшие изображения"),
    "col_image": ("image", "изображение"),
    # Confusion
    "fig_confusion": ("Confusion matrix on {split}", "Матрица ошибок на {split}"),
    "axis_truth": ("true class", "истинный класс"),
    "axis_predicted": ("predicted class", "предсказанный класс"),
    "table_confusions": ("The most frequent confusions", "Самые частые ошибки"),
    "col_share_of_truth": ("share of the true class", "доля истинного класса"),
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
    "unfold_table": ("Show all rows ({rows})", "Показать все строки ({rows})"),
    "alt_table": ("{title}. The values are in the table below.", "{title}. Значения приведены в таблице ниже."),
    "alt_confusion": (
        "{title}. The most frequent errors are in the table below.",
        "{title}. Самые частые ошибки приведены в таблице ниже.",
    ),
    "alt_right": ("{title}. There are no errors.", "{title}. Ошибок нет."),
    "skip_link": ("To the content", "К содержанию"),
    "second": ("s", "с"),
    "minute": ("min", "мин"),
    "hour": ("h", "ч"),
    "thousand": ("k", "тыс."),
    "million": ("M", "млн"),
    "billion": ("G", "млрд"),
    "trillion": ("T", "трлн"),
    "mebibyte": ("MiB", "МиБ"),
    "gibibyte": ("GiB", "ГиБ"),
    "quote_open": ("“", "«"),
    "quote_close": ("”", "»"),
}
