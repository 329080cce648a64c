"""The words of a classifier's report: (English, Russian)."""

Entry = tuple[str, str]

METRICS: dict[str, Entry] = {
    "accuracy": ("accuracy", "доля верных ответов (accuracy)"),
    "f1_micro": ("micro F1", "F1 (micro)"),
    "f1_weighted": ("weighted F1", "F1 (weighted)"),
    "precision_weighted": ("weighted precision", "точность (precision, weighted)"),
    "recall_weighted": ("weighted recall", "полнота (recall, weighted)"),
    "top5": ("top-5 accuracy", "top-5 accuracy"),
    "calibration_error": ("calibration error (ECE)", "ошибка калибровки (ECE)"),
}

SHORT_METRICS: dict[str, Entry] = {
    "support": ("support", "число изображений (support)"),
    "accuracy": ("accuracy", "accuracy"),
}

CURVES: dict[str, Entry] = {
    "accuracy": ("accuracy", "accuracy"),
}

TEXTS: dict[str, Entry] = {
    "headline": (
        "{model} reaches {metric} {value} on {images} of the {split} split of {data}",
        "Сеть {model} показывает {metric} = {value} на {images} {split} выборки датасета {data}",
    ),
    "headline_accuracy": (
        "; it names the right class for {share} of them.",
        "; верный класс назван для {share} из них.",
    ),
    "note_undefined": (
        "{dash} stands for a value that is undefined, such as the F1 of a class without images.",
        "{dash} означает, что значение не определено, например F1 класса без изображений.",
    ),
    "section_calibration": ("Calibration", "Калибровка"),
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
    "col_smallest": ("smallest class", "наименьший класс"),
    "col_largest": ("largest class", "наибольший класс"),
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
        "(в {ratio} раза меньше). Значения macro учитывают все классы одинаково, accuracy зависит в основном от больших классов.",
    ),
    "balance_empty": (
        "The classes are not balanced: {smallest} has no image in the train split, {largest} has {most}.",
        "Классы не сбалансированы: у класса {smallest} нет изображений в обучающей выборке, у класса {largest} {most}.",
    ),
    "cap_metrics": (
        "Metrics on val after every epoch; the marked epoch is the one whose weights are reported.",
        "Метрики на валидации после каждой эпохи: F1, accuracy, точность (precision) и полнота (recall). "
        "Отмечена эпоха, веса которой вошли в отчёт.",
    ),
    "cap_class_balance": ("Images of each class, by split.", "Число изображений каждого класса по выборкам."),
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
    "predicted": ("predicted", "ответ"),
    "filter_right": ("Right", "Верные"),
    "filter_wrong": ("Wrong", "Ошибки"),
    "filter_class": ("True class", "Истинный класс"),
    "accuracy_interval": (
        "Accuracy on {split}: {right} of {images}, {value}; the 95 % interval for a split of this size is {low} to {high} "
        "(Wilson). It does not contain the variation between seeds.",
        "Accuracy на {split}: {right} из {images}, {value}; 95-процентный интервал для выборки такого размера: "
        "от {low} до {high} (Уилсон). Разброс между запусками с разными seed в него не входит.",
    ),
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
    "col_errors": ("images", "изображений"),
    "confusion_top": (
        "{errors} on {images}. The most frequent: {truth} taken for {predicted}, {count} of {support} ({share}).",
        "{errors} на {images}. Самая частая: класс {truth} принят за {predicted}, {count} из {support} ({share}).",
    ),
    "confusion_none": ("No errors on {images}.", "На {images} нет ни одной ошибки."),
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
    "top_answers": ("most probable", "самые вероятные"),
}
