"""The words of a report of semantic segmentation: (English, Russian)."""

Entry = tuple[str, str]

METRICS: dict[str, Entry] = {
    "dice": ("macro Dice", "Dice (macro)"),
    "iou": ("mIoU", "mIoU"),
    "pixel_accuracy": ("pixel accuracy", "доля верных пикселей (pixel accuracy)"),
    "fw_iou": ("frequency-weighted IoU", "IoU с весами по частоте классов"),
    "dice_foreground": ("macro Dice without background", "Dice (macro) без фона"),
    "iou_foreground": ("mIoU without background", "mIoU без фона"),
    "dice_images": ("mean Dice of the images", "средний Dice по изображениям"),
    "boundary_f1": ("boundary F1", "F1 границ (boundary F1)"),
}

SHORT_METRICS: dict[str, Entry] = {
    "dice": ("Dice", "Dice"),
    "iou": ("IoU", "IoU"),
    "boundary_f1": ("boundary F1", "F1 границ"),
}

CURVES: dict[str, Entry] = {
    "dice": ("macro Dice", "Dice (macro)"),
    "iou": ("mIoU", "mIoU"),
    "pixel_accuracy": ("pixel accuracy", "верные пиксели"),
    "dice_images": ("Dice of images", "Dice по изобр."),
}

LOSS_PARTS: dict[str, Entry] = {
    "cross_entropy": ("cross-entropy", "кросс-энтропия"),
    "dice": ("Dice loss", "Dice loss"),
    "focal": ("focal loss", "focal loss"),
    "lovasz": ("Lovász", "Lovász"),
    "auxiliary": ("auxiliary head", "доп. выход"),
}

TEXTS: dict[str, Entry] = {
    # Heading
    "segmentation_headline": (
        "{model} reaches {metric} {value} and {other} {second} on {images} of the {split} split of {data}, "
        "at their original resolution",
        "Сеть {model} показывает {metric} = {value} и {other} = {second} на {images} {split} выборки датасета {data} "
        "в исходном разрешении",
    ),
    "segmentation_headline_accuracy": (
        "; it gives the right class to {share} of the pixels.",
        "; верный класс присвоен {share} пикселей.",
    ),
    # Task
    "task_segmentation": (
        "Semantic segmentation: the network gives every pixel one of {classes}. The classes are {names}.",
        "Семантическая сегментация: сеть относит каждый пиксель к одному из {classes}. Классы: {names}.",
    ),
    "task_segmentation_many": (
        "Semantic segmentation: the network gives every pixel one of {classes}, from {names} to {last}; "
        "the table of classes lists all of them.",
        "Семантическая сегментация: сеть относит каждый пиксель к одному из {classes}: от {names} до {last}; "
        "все они перечислены в таблице метрик по классам.",
    ),
    "crop_input": (
        "The images are {native}, {channels}. {resized}Training sees crops of {crop}.",
        "Изображения: {native}, {channels}. {resized}При обучении на вход сети подаются фрагменты (кропы) {crop}.",
    ),
    "whole_input": (
        "The images are {native}, {channels}. {resized}Training sees them whole.",
        "Изображения: {native}, {channels}. {resized}При обучении на вход сети подаются целиком.",
    ),
    "resized_shorter": (
        "They are first resized so that the shorter side has {side} pixels. ",
        "Сначала они масштабируются так, чтобы меньшая сторона была равна {side} пикселям. ",
    ),
    "resized_whole": ("They are first resized to {size}. ", "Сначала они масштабируются до {size}. "),
    "evaluated_full": (
        "For the scores whole images go through the network at once",
        "При оценке изображение подаётся целиком",
    ),
    "evaluated_sliding": (
        "For the scores the network goes over whole images in overlapping windows of the crop's size, "
        "whose outputs are averaged",
        "При оценке сеть проходит по изображению перекрывающимися окнами размером с кроп, и её ответы усредняются",
    ),
    "evaluated": ("For the scores whole images are segmented", "При оценке изображения сегментируются целиком"),
    "original_resolution": (
        "; the output is compared with the masks at their original resolution, without padding.",
        "; ответ сети сравнивается с масками в их исходном разрешении, без дополнения полями (padding).",
    ),
    "ignored_pixels": (
        " Pixels without a label, {share} of those of {split}, count neither in the loss nor in the scores.",
        " Неразмеченные пиксели ({share} в {split}) не учитываются ни в функции потерь, ни в метриках.",
    ),
    # Data
    "segmentation_origin_carved": (
        "drawn from {source}: {share}, seed {seed}",
        "случайная часть ({source}): {share}, seed {seed}",
    ),
    "col_masks": ("masks counted", "масок учтено"),
    "col_pixels": ("labelled pixels", "размеченных пикселей"),
    "col_ignored": ("ignored pixels", "игнорируемых пикселей"),
    "pixels_uneven": (
        "In the train split {largest} takes {most} of the labelled pixels, {smallest} {least}. "
        "Macro values weigh all classes alike, pixel accuracy favours the large ones.",
        "В обучающей выборке класс {largest} занимает {most} размеченных пикселей, а класс {smallest} {least}. "
        "Значения macro учитывают все классы одинаково, доля верных пикселей зависит в основном от больших классов.",
    ),
    "pixels_absent": (
        "In the {masks} of the train split that were counted these classes never occur, so the network cannot learn them: "
        "{names}.",
        "В учтённых масках обучающей выборки ({masks}) не встречаются классы, поэтому сеть не может им научиться: "
        "{names}.",
    ),
    "fig_pixel_shares": ("Share of the labelled pixels", "Доля размеченных пикселей"),
    "cap_pixel_shares": (
        "Share of the labelled pixels that belong to each class, by split.",
        "Доля размеченных пикселей, приходящихся на каждый класс, по выборкам.",
    ),
    "cap_pixel_ranks": (
        "Share of the labelled pixels of each class, from the most to the least frequent in the first split; logarithmic axis.",
        "Доля размеченных пикселей каждого класса, от самого частого к самому редкому в первой выборке; "
        "логарифмическая шкала.",
    ),
    "axis_pixel_rank": ("classes, in order of their pixels", "классы в порядке убывания числа пикселей"),
    "table_pixels": (
        "Pixels of the classes: their share of the labelled pixels, and in how many of the counted masks a class occurs",
        "Пиксели по классам: доля размеченных пикселей и число учтённых масок, в которых встречается класс",
    ),
    "col_share_in": ("pixels, {split}", "пикселей, {split}"),
    "col_masks_in": ("masks of {masks}, {split}", "масок из {masks}, {split}"),
    # Training
    "segmentation_loss_end": (
        "After the last epoch the minimised loss on train is {train}, "
        "and the cross-entropy on the whole images of val is {val}.",
        "После последней эпохи минимизируемая функция потерь на train составляет {train}, "
        "а кросс-энтропия на целых изображениях val — {val}.",
    ),
    "segmentation_cap_loss": (
        "Train: what is minimised, on what the network sees in training. Val: the plain cross-entropy of whole images, "
        "to be compared between epochs rather than with train.",
        "Train: минимизируемая функция потерь на том, что сеть видит при обучении. Val: обычная кросс-энтропия на целых "
        "изображениях; её следует сравнивать между эпохами, а не с train.",
    ),
    "segmentation_cap_metrics": (
        "Metrics of whole val images after every epoch; the marked epoch is the one whose weights are reported.",
        "Метрики на целых изображениях валидации после каждой эпохи. Отмечена эпоха, веса которой вошли в отчёт.",
    ),
    # Examples
    "segmentation_examples_lead": (
        "Drawn with a fixed seed, plus the images with the lowest and the highest Dice. The Dice of an image is the mean over "
        "the classes that occur in its truth or its prediction.",
        "Выбраны случайно с фиксированным seed; к ним добавлены изображения с наименьшим и наибольшим Dice. "
        "Dice изображения усреднён по классам, которые есть в его разметке или в предсказании.",
    ),
    "segmentation_cap_examples": (
        "The image, the true mask, the mask of the network, and the errors. In the last picture right pixels are pale.",
        "Изображение, истинная маска, маска сети и карта ошибок, на которой верные пиксели бледные.",
    ),
    "segmentation_alt_examples": (
        "{images} with the true mask, the mask of the network and the errors; Dice of the images: {scores}",
        "{images} с истинной маской, маской сети и картой ошибок; Dice изображений: {scores}",
    ),
    "picture_photo": ("image", "изображение"),
    "picture_truth": ("truth", "разметка"),
    "picture_predicted": ("prediction", "предсказание"),
    "picture_errors": ("errors", "карта ошибок"),
    "image_dice": ("Dice {value}", "Dice {value}"),
    "error_missed": ("missed object", "пропущенный объект"),
    "error_false": ("false object", "ложный объект"),
    "error_wrong": ("wrong class", "неверный класс"),
    "error_ignored": ("ignored", "не учитывается"),
    "legend_more": ("and {count} more", "и ещё {count}"),
    "mask_opacity": ("Mask over the image", "Маска поверх изображения"),
    "probe": ("truth: {truth} · prediction: {predicted}", "разметка: {truth} · предсказание: {predicted}"),
    "probe_hint": (
        "Point at a picture or touch it to read the classes there.",
        "Наведите указатель на изображение или коснитесь его, чтобы увидеть классы в этой точке.",
    ),
    # Scores
    "define_dice": (
        "mean over classes of 2TP / (2TP + FP + FN), in pixels summed over all images",
        "среднее по классам 2TP / (2TP + FP + FN); TP, FP, FN — пиксели, суммарно по всем изображениям",
    ),
    "define_iou": (
        "mean over classes of TP / (TP + FP + FN), from the same counts",
        "среднее по классам TP / (TP + FP + FN), по тем же счётчикам",
    ),
    "define_precision": (
        "mean over classes of TP / (TP + FP): how much of what was predicted is right",
        "среднее по классам TP / (TP + FP): какая часть предсказанного верна",
    ),
    "define_recall": (
        "mean over classes of TP / (TP + FN): how much of the truth was found",
        "среднее по классам TP / (TP + FN): какая часть разметки найдена",
    ),
    "define_f1": (
        "the same number as macro Dice: F1 of pixels and Dice are one formula",
        "то же число, что Dice (macro): для пикселей F1 и Dice вычисляются по одной формуле",
    ),
    "define_pixel_accuracy": (
        "share of pixels whose class is right; large classes decide",
        "доля пикселей с верным классом; определяется в основном большими классами",
    ),
    "define_fw_iou": (
        "IoU of the classes, weighted by their pixels in the truth",
        "IoU классов с весами, равными их доле пикселей в разметке",
    ),
    "define_dice_foreground": (
        "macro Dice over all classes but the background",
        "Dice (macro) по всем классам, кроме фона",
    ),
    "define_iou_foreground": ("mIoU over all classes but the background", "mIoU по всем классам, кроме фона"),
    "define_dice_images": (
        "mean over images of their own Dice; in an image only the classes of its truth or its prediction count",
        "среднее по изображениям их собственного Dice; в изображении учитываются только классы, которые есть "
        "в его разметке или в предсказании",
    ),
    "define_boundary_f1": (
        "how well outlines are met, within 0.75 % of the image's diagonal (Csurka et al. 2013)",
        "насколько точно найдены границы: с допуском 0,75 % диагонали изображения (Csurka и др., 2013)",
    ),
    "define_loss": (
        "plain cross-entropy of a pixel, averaged over images, whatever was minimised",
        "обычная кросс-энтропия пикселя, усреднённая по изображениям (что бы ни минимизировалось)",
    ),
    "absent_rule": (
        "Means over classes leave out a class that occurs neither in the truth nor in the predictions of the whole split; "
        "a class that is only predicted counts as 0.",
        "В средние по классам не входит класс, которого нет ни в разметке, ни в предсказаниях всей выборки; "
        "класс, который есть только в предсказаниях, входит в них с нулём.",
    ),
    "absent_none": (" On {split} every class occurs.", " На {split} встречаются все классы."),
    "absent_some": (" Left out on {split}: {names}.", " На {split} не вошли: {names}."),
    "absent_false": (" Only predicted on {split}: {names}.", " На {split} есть только в предсказаниях: {names}."),
    "segmentation_extremes": (
        "Best is {best} with Dice {high}, weakest is {worst} with Dice {low}.",
        "Лучше всего сегментируется {best} (Dice {high}), хуже всего {worst} (Dice {low}).",
    ),
    "fig_dice_classes": ("Dice and IoU of each class on {split}", "Dice и IoU по классам на {split}"),
    "fig_dice_classes_some": (
        "Dice and IoU of the weakest and the best classes on {split}",
        "Dice и IoU худших и лучших классов на {split}",
    ),
    "cap_dice_classes": (
        "Dice (wide bar, number) and IoU (narrow bar) of each class, sorted by Dice.",
        "Dice (широкая полоса и число) и IoU (узкая полоса) каждого класса; классы упорядочены по Dice.",
    ),
    "cap_dice_classes_some": (
        "The {worst} weakest and the {best} best of {classes}: Dice (wide bar, number) and IoU (narrow bar). "
        "The table holds all of them.",
        "Худшие ({worst}) и лучшие ({best}) из {classes}: Dice (широкая полоса и число) и IoU (узкая полоса). "
        "Остальные приведены в таблице.",
    ),
    "col_pixel_support": ("support, pixels", "пикселей (support)"),
    "col_pixel_share": ("share of pixels", "доля пикселей"),
    "segmentation_undefined": (
        "{dash} stands for a value that is undefined: the class is neither in the truth nor predicted.",
        "{dash} означает, что значение не определено: класса нет ни в разметке, ни в предсказаниях.",
    ),
    # Images
    "images_empty": (
        " {images} without a labelled pixel cannot be judged and are left out.",
        " Не учтено: {images} без размеченных пикселей.",
    ),
    "col_missed": ("most missed class", "больше всего пропущен класс"),
    "col_overdone": ("most overdone class", "больше всего лишних пикселей у класса"),
    # Confusion
    "cap_pixel_confusion": (
        "Rows are the true class, columns the predicted one. A cell holds its share of the row's pixels in per cent; "
        "the stronger the colour, the larger the share. Errors (orange) lie off the diagonal.",
        "Строки — истинный класс, столбцы — предсказанный. В ячейке доля пикселей строки в процентах; "
        "чем насыщеннее цвет, тем больше доля. Ошибки (оранжевые) лежат вне диагонали.",
    ),
    "cap_pixel_blank": ("Shares below {least} are left blank.", "Ячейки с долей меньше {least} пустые."),
    "pixel_confusion_top": (
        "On {split}, {wrong} of the pixels that count have a wrong class. The most frequent confusion: {truth} taken for "
        "{predicted}, {share} of the pixels of the true class.",
        "На {split} неверный класс получили {wrong} учитываемых пикселей. Самая частая ошибка: класс {truth} принят за "
        "{predicted}, {share} пикселей истинного класса.",
    ),
    "pixel_confusion_none": (
        "No pixel that counts on {split} has a wrong class.",
        "На {split} нет ни одного пикселя с неверным классом.",
    ),
    "segmentation_cost_macs": (
        "multiply-adds per input of the training's size (MACs)",
        "умножений со сложением на один вход того же размера, что при обучении (MAC)",
    ),
    "col_wrong_pixels": ("pixels", "пикселей"),
}
