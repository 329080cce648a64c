"""The words of a report of object detection: (English, Russian)."""

Entry = tuple[str, str]

METRICS: dict[str, Entry] = {
    "map": ("mAP@0.5:0.95", "mAP@0.5:0.95"),
    "map50": ("mAP@0.5", "mAP@0.5"),
    "map75": ("mAP@0.75", "mAP@0.75"),
    "map_small": ("mAP of small objects", "mAP малых объектов"),
    "map_medium": ("mAP of medium objects", "mAP средних объектов"),
    "map_large": ("mAP of large objects", "mAP больших объектов"),
    "ar1": ("AR, 1 detection", "AR, 1 предсказание"),
    "ar10": ("AR, 10 detections", "AR, 10 предсказаний"),
    "ar100": ("AR, 100 detections", "AR, 100 предсказаний"),
    "precision_at_best_f1": ("macro precision at best F1", "точность (precision, macro) при лучшем F1"),
    "recall_at_best_f1": ("macro recall at best F1", "полнота (recall, macro) при лучшем F1"),
    "f1_at_best_f1": ("macro F1 at best F1", "F1 (macro) при лучшем F1"),
    "best_f1_confidence": ("confidence of the best F1", "порог уверенности с лучшим F1"),
    "mask_map": ("mask mAP@0.5:0.95", "mAP@0.5:0.95 по маскам"),
    "mask_map50": ("mask mAP@0.5", "mAP@0.5 по маскам"),
    "mask_map75": ("mask mAP@0.75", "mAP@0.75 по маскам"),
}

SHORT_METRICS: dict[str, Entry] = {
    "ap": ("AP", "AP"),
    "ap50": ("AP50", "AP50"),
    "ap75": ("AP75", "AP75"),
    "mask_ap": ("mask AP", "AP по маскам"),
    "mask_ap50": ("mask AP50", "AP50 по маскам"),
    "mask_ap75": ("mask AP75", "AP75 по маскам"),
}

CURVES: dict[str, Entry] = {
    "map": ("mAP@0.5:0.95", "mAP@0.5:0.95"),
    "map50": ("mAP@0.5", "mAP@0.5"),
}

LOSS_PARTS: dict[str, Entry] = {
    "box": ("boxes", "рамки"),
    "objectness": ("objectness", "наличие объекта"),
    "class": ("classes", "классы"),
    "loss_classifier": ("classes", "классы"),
    "loss_box_reg": ("boxes", "рамки"),
    "loss_objectness": ("RPN objectness", "RPN: объект"),
    "loss_rpn_box_reg": ("RPN boxes", "RPN: рамки"),
    "loss_mask": ("masks", "маски"),
}

TEXTS: dict[str, Entry] = {
    # Heading
    "detection_headline": (
        "{model} reaches {metric} {value} and {other} {second} on {images} of the {split} split of {data}",
        "Сеть {model} показывает {metric} = {value} и {other} = {second} на {images} {split} выборки датасета {data}",
    ),
    "detection_headline_fixed": (
        "; at confidence {confidence} its precision is {precision} and its recall {recall}.",
        "; при пороге уверенности {confidence} точность (precision) равна {precision}, полнота (recall) — {recall}.",
    ),
    # Task
    "task_detection": (
        "Object detection: the network draws a box around every object of {classes} and gives it a confidence. "
        "The classes are {names}.",
        "Обнаружение объектов (детекция): сеть находит на изображении объекты {classes}, заключает каждый "
        "в ограничивающую рамку и сообщает свою уверенность. Классы: {names}.",
    ),
    "task_detection_one": (
        "Object detection: the network draws a box around every object of {classes}, {names}, and gives it a confidence.",
        "Обнаружение объектов (детекция): сеть находит на изображении объекты, заключает каждый в ограничивающую рамку "
        "и сообщает свою уверенность. В датасете {classes}: {names}.",
    ),
    "task_detection_many": (
        "Object detection: the network draws a box around every object of {classes}, from {names} to {last}, and gives it "
        "a confidence; the table of classes lists all of them.",
        "Обнаружение объектов (детекция): сеть находит на изображении объекты {classes}, от {names} до {last}, заключает "
        "каждый в ограничивающую рамку и сообщает свою уверенность; все классы перечислены в таблице метрик по классам.",
    ),
    "task_detection_masks": (
        " Besides the box it gives the mask of each object.",
        " Кроме рамки, она выдаёт маску каждого объекта.",
    ),
    "resize_letterbox": (
        "The images are {native}, {channels}. They are scaled to fit into {size} with their proportions kept; "
        "what is left is filled with grey.",
        "Изображения: {native}, {channels}. Они вписываются в {size} с сохранением пропорций; "
        "свободное место заполняется серым (letterbox).",
    ),
    "resize_stretch": (
        "The images are {native}, {channels}. They are stretched to {size}; their proportions are not kept.",
        "Изображения: {native}, {channels}. Они растягиваются до {size} без сохранения пропорций.",
    ),
    "resize_none": (
        "The images are {native}, {channels}. The network takes them as they are and resizes them itself.",
        "Изображения: {native}, {channels}. Они подаются как есть: размер меняет сама сеть.",
    ),
    "resize_unknown": (
        "The images are {native}, {channels}; the network sees them as {size}.",
        "Изображения: {native}, {channels}; на вход сети подаются в размере {size}.",
    ),
    "detection_judged": (
        "The scores are COCO's: boxes are compared in pixels of the original image, a detection is right if it overlaps "
        "enough with an object of its class that no more confident detection has taken, and mAP averages over ten thresholds "
        "of that overlap (IoU), 0.5 to 0.95, and over the classes.",
        "Метрики считаются по правилам COCO: рамки сравниваются в пикселях исходного изображения; предсказание верно, если "
        "оно достаточно перекрывается с объектом своего класса, который не занят более уверенным предсказанием; mAP усредняется "
        "по десяти порогам перекрытия (IoU) от 0,5 до 0,95 и по классам.",
    ),
    "detection_crowds": (
        " Objects marked as crowd or difficult do not count: missing one is no error, and neither is a detection on it.",
        " Объекты с пометкой crowd или difficult не учитываются: ни их пропуск, ни предсказание на них не считается ошибкой.",
    ),
    # Data
    "col_objects": ("objects", "объектов"),
    "col_empty": ("images without objects", "изображений без объектов"),
    "col_crowd": ("objects that do not count", "игнорируемых объектов"),
    "objects_uneven": (
        "In the train split {largest} has {most}, {smallest} has {least}. mAP weighs all classes alike.",
        "В обучающей выборке у класса {largest} {most}, у класса {smallest} {least}. Для mAP все классы равноценны.",
    ),
    "objects_absent": (
        "These classes have no object in the train split, so the network cannot learn them: {names}.",
        "В обучающей выборке нет объектов этих классов, поэтому сеть не может им научиться: {names}.",
    ),
    "fig_objects": ("Objects of each class", "Число объектов по классам"),
    "cap_objects": (
        "Objects of each class that count, by split.",
        "Число учитываемых объектов каждого класса по выборкам.",
    ),
    "fig_sizes": ("Sizes of the boxes, {split}", "Размеры рамок, {split}"),
    "cap_sizes": (
        "Width and height of {boxes} spread evenly over the split, both axes logarithmic. The dashed lines are areas of "
        "32² and 96² pixels: COCO's limits of small, medium and large objects.",
        "Ширина и высота рамок, равномерно взятых из выборки ({boxes}); обе шкалы логарифмические. Пунктирные линии — "
        "площади 32² и 96² пикселей: границы малых, средних и больших объектов по COCO.",
    ),
    "sizes_said": (
        "Half of the boxes are at most {width} pixels wide and half at most {height} pixels high; {small} of them cover "
        "less than 32² pixels, {large} more than 96².",
        "Половина рамок не шире {width} пикселей, и половина не выше {height}; площадь меньше 32² пикселей у {small} рамок, "
        "больше 96² — у {large}.",
    ),
    "axis_width": ("width, pixels", "ширина, пиксели"),
    "axis_height": ("height, pixels", "высота, пиксели"),
    "table_objects": (
        "Objects of the classes that count, and the images that hold them",
        "Учитываемые объекты по классам и изображения, на которых они есть",
    ),
    "col_objects_in": ("objects, {split}", "объектов, {split}"),
    "col_images_in": ("images, {split}", "изобр., {split}"),
    # Training
    "detection_overfit": (
        "The val loss was lowest in epoch {epoch} ({low}) and ended at {last}, while the train loss fell to {train}: "
        "a sign of overfitting, although mAP may go on rising for a while.",
        "Функция потерь на val была наименьшей в эпоху {epoch} ({low}), а закончилась значением {last}, тогда как на train "
        "она упала до {train}: это признак переобучения, хотя mAP некоторое время ещё может расти.",
    ),
    "detection_cap_loss": (
        "Loss after every epoch: on augmented images of train, and on the images of val as they are.",
        "Функция потерь после каждой эпохи: на изображениях train с аугментацией и на исходных изображениях val.",
    ),
    "detection_cap_metrics": (
        "Metrics on val after every epoch: mAP, and macro precision, recall and F1 at the fixed confidence. "
        "The marked epoch is the one whose weights are reported.",
        "Метрики на валидации после каждой эпохи: mAP, а также точность, полнота и F1 (macro) при фиксированном пороге "
        "уверенности. Отмечена эпоха, веса которой вошли в отчёт.",
    ),
    # Examples
    "detection_examples_lead": (
        "Drawn with a fixed seed, plus the images with the lowest and the highest F1. Detections with a confidence of at "
        "least {confidence} are shown; one is right if it meets an object of its class with an IoU of at least 0.5.",
        "Выбраны случайно с фиксированным seed; к ним добавлены изображения с наименьшим и наибольшим F1. Показаны "
        "предсказания с уверенностью не ниже {confidence}; предсказание верно, если его IoU с объектом того же класса "
        "не меньше 0,5.",
    ),
    "detection_cap_examples": (
        "Left the truth, right the detections with their confidence. Labels without room are left out.",
        "Слева разметка, справа предсказания сети с уверенностью. Подписи, которым не хватило места, опущены.",
    ),
    "detection_alt_examples": (
        "{images} with true boxes and detections, together {right} right, {false} false, {missed} missed",
        "{images} с разметкой и предсказаниями; всего верных: {right}, ложных: {false}, пропущено: {missed}",
    ),
    "image_f1": ("F1 {value}", "F1 {value}"),
    "card_counts": (
        "{right}\u00a0right · {false}\u00a0false · {missed}\u00a0missed",
        "верных:\u00a0{right} · ложных:\u00a0{false} · пропущено:\u00a0{missed}",
    ),
    "box_found": ("true box, found", "объект найден (разметка)"),
    "box_missed": ("missed object", "пропуск"),
    "box_crowd": ("does not count", "не учитывается"),
    "box_right": ("right detection", "верное предсказание"),
    "box_false": ("false detection", "ложное срабатывание"),
    "box_ignored": ("detection that does not count", "игнорируемое предсказание"),
    "show_masks": ("masks", "маски"),
    "show_labels": ("labels", "подписи"),
    "box_hint": (
        "Switch boxes on and off; point at a box or touch it to read it.",
        "Рамки можно включать и выключать; наведите указатель на рамку или коснитесь её, чтобы прочитать подпись.",
    ),
    # Scores
    "define_map": (
        "average precision (area under the precision-recall curve), averaged over the IoU thresholds 0.5, 0.55, …, 0.95 "
        "and over the classes",
        "средняя точность (площадь под кривой «точность — полнота»), усреднённая по порогам IoU 0,5; 0,55; …; 0,95 и по классам",
    ),
    "define_map50": (
        "the same at IoU 0.5 alone: a rough box is enough",
        "то же только при IoU 0,5: достаточно приблизительной рамки",
    ),
    "define_map75": (
        "the same at IoU 0.75 alone: the box must be accurate",
        "то же только при IoU 0,75: рамка должна быть точной",
    ),
    "define_map_small": ("mAP of objects of up to 32² pixels", "mAP объектов площадью до 32² пикселей"),
    "define_map_medium": ("mAP of objects of 32² to 96² pixels", "mAP объектов площадью от 32² до 96² пикселей"),
    "define_map_large": ("mAP of objects of more than 96² pixels", "mAP объектов площадью больше 96² пикселей"),
    "define_ar1": (
        "recall at 1 detection of a class in an image, averaged over the same IoU thresholds and classes",
        "полнота при одном предсказании каждого класса на изображение, усреднённая по тем же порогам IoU и классам",
    ),
    "define_ar10": ("the same at 10 detections", "то же при 10 предсказаниях"),
    "define_ar100": ("the same at 100 detections", "то же при 100 предсказаниях"),
    "detection_define_precision": (
        "mean over classes of TP / (TP + FP) at confidence {confidence} and IoU 0.5: what share of the detections is right",
        "среднее по классам TP / (TP + FP) при пороге уверенности {confidence} и IoU 0,5: какая часть предсказаний верна",
    ),
    "detection_define_recall": (
        "mean over classes of TP / (TP + FN) at the same confidence: what share of the objects is found",
        "среднее по классам TP / (TP + FN) при том же пороге уверенности: какая часть объектов найдена",
    ),
    "detection_define_f1": (
        "mean over classes of 2TP / (2TP + FP + FN) at confidence {confidence} and IoU 0.5",
        "среднее по классам 2TP / (2TP + FP + FN) при пороге уверенности {confidence} и IoU 0,5",
    ),
    "define_precision_at_best_f1": (
        "macro precision at confidence {best}",
        "точность (macro) при пороге уверенности {best}",
    ),
    "define_recall_at_best_f1": (
        "macro recall at confidence {best}",
        "полнота (macro) при пороге уверенности {best}",
    ),
    "define_f1_at_best_f1": (
        "macro F1 at confidence {best}; on val it is the best value by construction",
        "F1 (macro) при пороге уверенности {best}; на val это значение наилучшее по построению",
    ),
    "define_best_f1_confidence": (
        "the confidence with the best macro F1 on val; test takes it over",
        "порог уверенности с наилучшим F1 (macro) на val; для test взят он же",
    ),
    "define_mask_map": (
        "mAP@0.5:0.95 with the overlap of masks instead of boxes",
        "mAP@0.5:0.95, где IoU считается по маскам, а не по рамкам",
    ),
    "define_mask_map50": ("the same at IoU 0.5 alone", "то же только при IoU 0,5"),
    "define_mask_map75": ("the same at IoU 0.75 alone", "то же только при IoU 0,75"),
    "detection_define_loss": (
        "loss of the network on the images as they are, averaged over images",
        "функция потерь на изображениях без аугментации, усреднённая по изображениям",
    ),
    "detection_rule": (
        "Means of AP and recall leave out classes without objects; a class that is only predicted counts as 0 for precision "
        "and F1.",
        "В средние AP и полноты не входят классы без объектов; класс, который есть только в предсказаниях, входит "
        "в точность и F1 с нулём.",
    ),
    "detection_thresholds": (
        " Precision, recall and F1 depend on the confidence from which a detection counts. They are given at {confidence}, "
        "fixed beforehand, and at {best}, chosen on val for the best macro F1: on val that value flatters, on test it does not.",
        " Точность, полнота и F1 зависят от порога уверенности. Они приведены при {confidence} (задан заранее) и при {best} "
        "(выбран на val по наилучшему F1): на val такое значение завышено, на test — нет.",
    ),
    "detection_absent": (" Without objects on {split}: {names}.", " На {split} нет объектов: {names}."),
    # Classes
    "detection_extremes": (
        "Best is {best} with AP50 {high}, weakest is {worst} with AP50 {low}.",
        "Лучше всего обнаруживается {best} (AP50 {high}), хуже всего {worst} (AP50 {low}).",
    ),
    "fig_ap_classes": ("AP50 and AP of each class on {split}", "AP50 и AP по классам на {split}"),
    "fig_ap_classes_some": (
        "AP50 and AP of the weakest and the best classes on {split}",
        "AP50 и AP худших и лучших классов на {split}",
    ),
    "cap_ap_classes": (
        "AP at IoU 0.5 (wide bar, number) and averaged over IoU 0.5 to 0.95 (narrow bar) of each class, sorted by AP50.",
        "AP при IoU 0,5 (широкая полоса и число) и усреднённая по IoU от 0,5 до 0,95 (узкая полоса); "
        "классы упорядочены по AP50.",
    ),
    "cap_ap_classes_some": (
        "The {worst} weakest and the {best} best of {classes}: AP at IoU 0.5 (wide bar, number) and averaged over IoU 0.5 to "
        "0.95 (narrow bar). The table holds all of them.",
        "Худшие ({worst}) и лучшие ({best}) из {classes}: AP при IoU 0,5 (широкая полоса и число) и усреднённая по IoU "
        "от 0,5 до 0,95 (узкая полоса). Остальные приведены в таблице.",
    ),
    "col_at": ("{metric} at {confidence}", "{metric} при {confidence}"),
    "detection_columns": (
        "AP is averaged over IoU 0.5 to 0.95, AP50 is at IoU 0.5 alone; P (precision), R (recall) and F1 are at "
        "IoU 0.5 and the confidence in the head of their column.",
        "AP усреднена по IoU от 0,5 до 0,95; AP50 — только при IoU 0,5; P (точность, precision), R (полнота, "
        "recall) и F1 — при IoU 0,5 и пороге уверенности, указанном в заголовке столбца.",
    ),
    "detection_undefined": (
        "{dash} stands for a value that is undefined, such as the AP of a class without objects.",
        "{dash} означает, что значение не определено, например AP класса без объектов.",
    ),
    # Curves
    "section_curves": ("Curves by confidence", "Кривые по порогу уверенности"),
    "curves_lead": (
        "With a lower confidence more is found, and more of it is wrong. The curves show what each confidence brings: choose "
        "the one at which errors cost you least.",
        "Чем ниже порог уверенности, тем больше найдено объектов и тем больше ложных срабатываний. Кривые показывают, "
        "что даёт каждый порог: выбирайте тот, при котором ошибки обойдутся дешевле всего.",
    ),
    "fig_precision_recall": ("Precision and recall at IoU 0.5, {split}", "Точность и полнота при IoU 0,5, {split}"),
    "cap_precision_recall": (
        "Precision over recall at IoU 0.5; the number of a line is its AP50, the area below it.",
        "Точность в зависимости от полноты при IoU 0,5; число у кривой — AP50, площадь под ней.",
    ),
    "fig_f1_confidence": ("F1 by confidence, {split}", "F1 по порогу уверенности, {split}"),
    "cap_f1_confidence": (
        "F1 at IoU 0.5 for each confidence; the number of a line is its highest value. Dotted: the fixed confidence; "
        "dashed: the best one of val.",
        "F1 при IoU 0,5 для каждого порога уверенности; число у кривой — её наибольшее значение. Точечная линия: "
        "фиксированный порог; пунктирная: лучший на val.",
    ),
    "fig_confidence": ("Means by confidence, {split}", "Средние по порогу уверенности, {split}"),
    "cap_confidence": (
        "Macro precision, recall and F1 at IoU 0.5 for each confidence, with their values at the best one of val.",
        "Точность, полнота и F1 (macro) при IoU 0,5 для каждого порога уверенности; числа — значения при лучшем пороге val.",
    ),
    "curves_some": (
        " Named: the best and the weakest of {classes}; the others are pale.",
        " Подписаны лучшие и худшие из {classes}, остальные бледные.",
    ),
    "curve_mean": ("mean of {classes}", "среднее {classes}"),
    "curve_value": ("{name}, {value}", "{name}, {value}"),
    "axis_recall": ("recall", "полнота (recall)"),
    "axis_precision": ("precision", "точность (precision)"),
    "axis_threshold": ("confidence", "порог уверенности"),
    # Images
    "images_blank": (
        " {images} without objects and without detections cannot be judged and are left out.",
        " Не учтено: {images} без объектов и без предсказаний.",
    ),
    "col_right": ("right", "верных"),
    "col_false": ("false", "ложных"),
    "col_missing": ("missed", "пропущено"),
    # Confusion
    "background": ("background", "фон"),
    "detection_confusion_top": (
        "On {split}, at confidence {confidence}, of {objects} {right} are found with their class, {wrong} with a wrong one, and "
        "{missed} are missed. Detections without an object (nothing there, an inaccurate box, or an object already found): "
        "{false}.",
        "На {split} при пороге уверенности {confidence} из {objects} найдено с верным классом {right}, с неверным — {wrong}, "
        "пропущено {missed}. Предсказаний, которым не соответствует ни один объект (там пусто, рамка неточна или объект уже "
        "найден): {false}.",
    ),
    "detection_cap_confusion": (
        "Rows are the true class, columns the predicted one. A cell holds the number of objects and, below it, their share of "
        "the row. The last column holds objects that were missed; the last row holds detections without an object. "
        "The diagonal holds the right detections that precision and recall count; only what is left is "
        "matched over classes (IoU at least 0.5).",
        "Строки — истинный класс, столбцы — предсказанный. В ячейке число объектов и под ним их доля в строке. "
        "Последний столбец — пропущенные объекты, последняя строка — предсказания, которым не соответствует ни один объект. "
        "На диагонали те же верные предсказания, по которым считаются точность и полнота; независимо от класса (IoU не меньше "
        "0,5) сопоставляется только остальное.",
    ),
    "detection_cap_confusion_many": (
        "Rows are the true class, columns the predicted one, both by their number in the table of classes; the last of them is "
        "the background: its column holds objects that were missed, its row detections without an object. The stronger its "
        "colour, the larger the share of a cell in its row.",
        "Строки — истинный класс, столбцы — предсказанный; номера классов как в таблице метрик по классам, последний из них — "
        "фон: его столбец — пропущенные объекты, строка — предсказания, которым не соответствует ни один объект. Чем насыщеннее "
        "цвет ячейки, тем больше её доля в строке.",
    ),
    "col_boxes": ("boxes", "рамок"),
    # Errors
    "section_errors": ("What the errors cost", "Цена ошибок"),
    "errors_top": (
        "The costliest error on {split}: {name}. If it alone were fixed, mAP@0.5 would rise by {cost}.",
        "Дороже всего на {split} обходится ошибка «{name}»: если исправить только её, mAP@0.5 вырастет на {cost}.",
    ),
    "errors_none": ("No kind of error lowers mAP@0.5 on {split}.", "На {split} ни один вид ошибок не снижает mAP@0.5."),
    "fig_errors": ("mAP@0.5 lost to each kind of error, {split}", "Потери mAP@0.5 по видам ошибок, {split}"),
    "cap_errors": (
        "By how much mAP@0.5 would rise if errors of one kind alone were fixed (TIDE, Bolya et al. 2020). The costs do not "
        "add up: they overlap.",
        "На сколько выросла бы mAP@0.5, если исправить ошибки только одного вида (TIDE, Bolya и др., 2020). "
        "Складывать эти числа нельзя: они пересекаются.",
    ),
    "table_errors": ("Kinds of error", "Виды ошибок"),
    "col_error": ("error", "ошибка"),
    "col_cost": ("mAP@0.5 lost", "потеря mAP@0.5"),
    "tide_classification": ("wrong class", "неверный класс"),
    "tide_localisation": ("inaccurate box", "неточная рамка"),
    "tide_both": ("wrong class and inaccurate box", "неверный класс и неточная рамка"),
    "tide_duplicate": ("duplicate", "повторная рамка"),
    "tide_background": ("nothing there", "ложное срабатывание на фоне"),
    "tide_missed": ("missed object", "пропуск объекта"),
    "tell_classification": (
        "on an object (IoU at least 0.5) of another class",
        "рамка на объекте (IoU не меньше 0,5), но класс другой",
    ),
    "tell_localisation": (
        "of the right class, but the box meets the object only with IoU 0.1 to 0.5",
        "класс верный, но IoU рамки с объектом всего от 0,1 до 0,5",
    ),
    "tell_both": ("another class, and IoU only 0.1 to 0.5", "другой класс, и IoU всего от 0,1 до 0,5"),
    "tell_duplicate": (
        "right, but a more confident detection has already found this object",
        "рамка верна, но этот объект уже найден более уверенным предсказанием",
    ),
    "tell_background": ("IoU below 0.1 with every object", "IoU меньше 0,1 с любым объектом"),
    "tell_missed": (
        "an object that no detection comes near",
        "объект, рядом с которым нет ни одного предсказания",
    ),
    # Suspects
    "section_suspects": ("Labels to look at", "Разметка, которую стоит проверить"),
    "suspects_lead": (
        "Where the network plainly contradicts the labels of {split}, the labels may be wrong: a confident detection where "
        "nothing is labelled, a confident detection of another class, a label near which it sees nothing at all. "
        "These are candidates to look at, not errors: the network may be the one that is wrong. "
        "Candidates by kind: {counts}.",
        "Там, где сеть явно расходится с разметкой {split}, ошибка может быть в разметке: уверенное предсказание там, где "
        "ничего не размечено; уверенное предсказание другого класса; размеченный объект, рядом с которым сеть не видит "
        "ничего. Это кандидаты на проверку, а не найденные ошибки: ошибаться может и сеть. "
        "Кандидатов по видам: {counts}.",
    ),
    "suspects_none": (
        "On {split} the network nowhere contradicts the labels with confidence: there are no candidates.",
        "На {split} сеть нигде уверенно не расходится с разметкой: кандидатов на ошибки разметки нет.",
    ),
    "suspect_missing": ("missing label", "пропущена разметка"),
    "suspect_class": ("wrong class in the label", "неверный класс в разметке"),
    "suspect_nothing": ("label without an object", "разметка без объекта"),
    "table_suspects": ("The most suspicious places, {split}", "Самые подозрительные места, {split}"),
    "col_suspicion": ("suspicion", "подозрение"),
    "col_labelled": ("labelled class", "класс в разметке"),
    "col_seen": ("class of the network", "класс по мнению сети"),
    "col_confidence": ("confidence", "уверенность"),
    "col_box": ("box: left, top, right, bottom", "рамка: слева, сверху, справа, снизу"),
}
