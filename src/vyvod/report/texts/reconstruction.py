"""The words of an autoencoder's report: (English, Russian)."""

Entry = tuple[str, str]

METRICS: dict[str, Entry] = {
    "psnr": ("PSNR (dB)", "PSNR (дБ)"),
    "mse": ("mean squared error (MSE)", "среднеквадратичная ошибка (MSE)"),
}

SHORT_METRICS: dict[str, Entry] = {
    "psnr": ("PSNR", "PSNR"),
    "mse": ("MSE", "MSE"),
}

CURVES: dict[str, Entry] = {
    "psnr": ("PSNR, dB", "PSNR, дБ"),
    "mse": ("MSE", "MSE"),
}

TEXTS: dict[str, Entry] = {
    "reconstruction_headline": (
        "{model} redraws {images} of the {split} split of {data} with {metric} {value}.",
        "Сеть {model} восстанавливает изображения датасета {data}: на {images} {split} выборки {metric} = {value}.",
    ),
    "task_reconstruction": (
        "Reconstruction: the network draws the image again from its own feature maps. Its encoder is meant for another network, "
        "which starts from it (pretraining).",
        "Реконструкция: сеть заново строит изображение по собственным картам признаков. Её энкодер предназначен для другой сети, "
        "обучение которой начинается с его весов (предобучение).",
    ),
    "task_encoder": (
        " The encoder is the body of {backbone}.",
        " Энкодером служит сеть {backbone} без последних слоёв.",
    ),
    "spoilt_none": (
        " It sees the images as they are.",
        " На вход подаются изображения без изменений.",
    ),
    "spoilt_noise": (
        " It sees the images with noise (standard deviation {noise} of values in 0..1) and has to remove it.",
        " На вход подаются изображения с шумом (стандартное отклонение {noise} при значениях от 0 до 1), который нужно убрать.",
    ),
    "spoilt_masked": (
        " Of every image {share} of the patches of {patch} pixels a side are hidden and have to be filled in; "
        "loss and metrics count there only.",
        " На каждом изображении скрыто {share} квадратов со стороной {patch} пикс., и их нужно заполнить; "
        "функция потерь и метрики считаются только по ним.",
    ),
    "reconstruction_cap_loss": (
        "Mean squared error of normalised values on train (varied images) and val after every epoch; "
        "drawing the mean colour everywhere gives about 1.",
        "Среднеквадратичная ошибка нормированных значений на train (с аугментацией) и val после каждой эпохи; "
        "сеть, которая всюду рисует средний цвет, получает около 1.",
    ),
    "reconstruction_cap_metrics": (
        "PSNR on val after every epoch; the marked epoch is the one whose weights are reported.",
        "PSNR на валидации после каждой эпохи. Отмечена эпоха, веса которой вошли в отчёт.",
    ),
    "reconstruction_examples_lead": (
        "Drawn with a fixed seed, plus the images with the lowest and the highest PSNR.",
        "Выбраны случайно с фиксированным seed; к ним добавлены изображения с наименьшим и наибольшим PSNR.",
    ),
    "reconstruction_cap_examples": (
        "What the network sees, what it draws, and the image itself. Where patches are hidden, the visible ones are shown as "
        "they are.",
        "Вход сети, результат и исходное изображение. Если часть квадратов скрыта, видимые показаны без изменений.",
    ),
    "reconstruction_alt_examples": (
        "{images}: what the network sees, what it draws, the image itself; PSNR in dB: {ratios}",
        "{images}: вход сети, результат, исходное изображение; PSNR в дБ: {ratios}",
    ),
    "picture_input": ("input", "вход"),
    "picture_output": ("output", "результат"),
    "picture_original": ("image", "оригинал"),
    "image_psnr": ("{value} dB", "{value} дБ"),
    "reconstruction_remark": (
        "A high PSNR does not make an encoder useful: that shows in a network that starts from it, with {command}.",
        "Высокий PSNR ещё не делает энкодер полезным: это видно только по сети, обучение которой начато с {command}.",
    ),
    "define_psnr": (
        "peak signal-to-noise ratio: mean over images of 10 log10(1 / MSE), {pixels}",
        "отношение пикового сигнала к шуму: среднее по изображениям 10 log10(1 / MSE), {pixels}",
    ),
    "define_mse": (
        "mean squared error of the values in 0..1, averaged over images, {pixels}",
        "средний квадрат ошибки значений от 0 до 1, усреднённый по изображениям, {pixels}",
    ),
    "define_reconstruction_loss": (
        "what is minimised: mean squared error of normalised values, {pixels}",
        "то, что минимизируется: средний квадрат ошибки нормированных значений, {pixels}",
    ),
    "pixels_all": ("over all pixels", "по всем пикселям"),
    "pixels_hidden": ("over the hidden patches", "по скрытым квадратам"),
}
