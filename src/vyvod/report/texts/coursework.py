"""The words of a coursework repository: README of its main branch and of each homework: (English, Russian)."""

Entry = tuple[str, str]

FORMS: dict[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "homework": (("homework", "homeworks"), ("домашнее задание", "домашних задания", "домашних заданий")),
}
"""As in the words of every report."""

TEXTS: dict[str, Entry] = {
    # README of the main branch
    "cw_title": ("Coursework: {subject}", "Курсовая работа: {subject}"),
    "cw_byline": ("{name}, {subject}", "{name}, {subject}"),
    "cw_byline_group": ("{name}, group {group}, {subject}", "{name}, группа {group}, {subject}"),
    "cw_name": ("Student: {value}", "Студент: {value}"),
    "cw_group": ("Group: {value}", "Группа: {value}"),
    "cw_subject": ("Subject: {value}", "Предмет: {value}"),
    "cw_task": ("Task: {value}", "Задача: {value}"),
    "cw_data": ("Data set: {value} ({name})", "Датасет: {value} ({name})"),
    "cw_model": ("Architecture of the first training: {value}", "Архитектура первой модели: {value}"),
    "cw_homeworks": ("Homeworks", "Домашние задания"),
    "cw_homeworks_lead": (
        "Each homework has a branch of its own with a README, figures, results and code.",
        "Для каждого домашнего задания есть своя ветка: в ней README, рисунки, результаты и код.",
    ),
    "cw_homeworks_none": ("There are none yet.", "Пока нет ни одного."),
    "cw_table_homeworks": ("Homeworks and their main results", "Домашние задания и их главные результаты"),
    "cw_col_branch": ("branch", "ветка"),
    "cw_col_title": ("title", "тема"),
    "cw_col_model": ("network", "сеть"),
    "cw_col_result": ("main result", "главный результат"),
    "cw_col_experiments": ("experiments", "эксперименты"),
    "cw_result": ("{metric} = {value} on {split}", "{metric} = {value} на {split}"),
    "cw_repeat": ("How to repeat", "Как повторить"),
    "cw_repeat_lead": (
        "The settings of the first training are in {settings}, exact versions of the libraries in {requirements}.",
        "Настройки первого обучения записаны в {settings}, точные версии библиотек в {requirements}.",
    ),
    "cw_footer": (
        "This part is written by Vyvod; everything outside of it stays as it is.",
        "Эту часть README пишет программа Vyvod; всё, что вне неё, остаётся без изменений.",
    ),
    # README of a homework
    "hw_heading": ("Homework {number}. {title}", "Домашнее задание {number}. {title}"),
    "hw_title": ("Training {model} on {data}", "Обучение {model} на {data}"),
    "hw_task": ("Task", "Задача"),
    "hw_data": ("Data set", "Датасет"),
    "hw_results": ("Training results", "Результаты обучения"),
    "hw_run": (
        "The results are those of the run {run}; its files are in {folder}.",
        "Показаны результаты запуска {run}; его файлы лежат в папке {folder}.",
    ),
    "hw_run_best": (
        "The results are those of the run {run}, the best of {runs} on val; its files are in {folder}.",
        "Показаны результаты запуска {run}: из {runs} он лучший на валидации. Его файлы лежат в папке {folder}.",
    ),
    "hw_run_baseline": (
        "The results are those of the run {run}, the first of the baseline in the experiment {experiment}; its files are in "
        "{folder}.",
        "Показаны результаты запуска {run}: это первый запуск baseline в эксперименте {experiment}. Его файлы лежат в папке "
        "{folder}.",
    ),
    "hw_loss": ("Loss during training", "Функция потерь в процессе обучения"),
    "hw_metrics": ("Metrics on the validation set during training", "Метрики на валидации в процессе обучения"),
    "hw_examples": ("Examples with the network's output", "Примеры с ответами сети"),
    "hw_few_examples": (
        "There are only {images} in {split}: all of them are shown.",
        "В {split} всего {images}: показаны все.",
    ),
    "hw_values": ("Metric values", "Значения метрик"),
    "hw_classes": ("Metric values of each class", "Значения метрик по классам"),
    "hw_support_classification": ("images (support)", "изображений (support)"),
    "hw_support_segmentation": ("pixels (support)", "пикселей (support)"),
    "hw_support_detection": ("objects (support)", "объектов (support)"),
    "hw_no_curves": (
        "Nothing was trained in this run: there are no curves.",
        "В этом запуске сеть не обучалась, поэтому кривых нет.",
    ),
    "hw_dash": (
        "{dash} stands for a value that is undefined, such as that of a class that does not occur.",
        "{dash} означает, что значение не определено, например у класса, который не встречается.",
    ),
    "hw_other_runs": ("Other runs of this homework", "Другие запуски этого задания"),
    "hw_table_runs": ("Main metric of each run", "Главная метрика каждого запуска"),
    "hw_experiments": ("Experiments", "Эксперименты"),
    "hw_no_experiments": (
        "There are no experiments in this homework.",
        "В этом задании экспериментов нет.",
    ),
    "hw_experiment": ("Experiment {name}", "Эксперимент {name}"),
    "hw_goal": ("Goal", "Цель"),
    "hw_idea": ("Idea", "Идея"),
    "hw_found": ("Results", "Результаты"),
    "hw_against": ("Comparison with the baseline", "Сравнение с baseline"),
    "hw_concluded": ("Conclusions", "Выводы"),
    "hw_own_of_experiment": ("Conclusions of the author:", "Выводы автора:"),
    "hw_table_arms": (
        "Mean of {metric} on {split} over the runs, with the 95 % interval",
        "Среднее значение метрики «{metric}» на {split} по запускам и 95-процентный интервал",
    ),
    "hw_no_comparison": ("The runs have not been compared yet.", "Запуски ещё не сравнивались."),
    "hw_conclusions": ("Conclusions", "Выводы"),
    "hw_code": ("Code and how to repeat", "Код и воспроизведение"),
    "hw_install": (
        "Install exactly the versions that were used, then train with the same settings:",
        "Установите те же версии библиотек и обучите сеть с теми же настройками:",
    ),
    "hw_first": (
        "The initial weights {weights} are not handed in, but the settings of the run that they come from are: {file}. "
        "Where the weights are not there, {script} trains this run first.",
        "Начальные веса {weights} в репозиторий не включены, но есть настройки запуска, из которого они взяты: {file}. "
        "Если весов нет, {script} сначала обучает эту сеть.",
    ),
    "hw_repeat_experiments": ("To repeat the experiments:", "Чтобы повторить эксперименты:"),
    "hw_files": ("What lies where", "Что где лежит"),
    "hw_file_train": ("{file}: the training as a script", "{file}: обучение в виде скрипта"),
    "hw_file_notebook": (
        "{file}: the same as a notebook for Colab, Kaggle or this machine",
        "{file}: то же в виде ноутбука для Colab, Kaggle или своего компьютера",
    ),
    "hw_file_settings": ("{file}: settings of the runs and experiments", "{file}: настройки запусков и экспериментов"),
    "hw_file_results": (
        "{file}: what the numbers above were computed from",
        "{file}: файлы, по которым вычислены приведённые выше числа",
    ),
    "hw_file_requirements": ("{file}: exact versions of the libraries", "{file}: точные версии библиотек"),
    "hw_colab": ("Notebook in Colab: {link}", "Ноутбук в Colab: {link}"),
    "hw_colab_link": ("open in Colab", "открыть в Colab"),
    "hw_table_versions": ("Versions of the main libraries", "Версии основных библиотек"),
    "hw_col_library": ("library", "библиотека"),
    "hw_col_version": ("version", "версия"),
    "hw_left_out": (
        "Too large for a repository, and so not in it: {list}. The program writes these files into the folder of the run.",
        "Слишком велики для репозитория и поэтому не включены: {list}. Программа сохраняет эти файлы в папке запуска.",
    ),
    "hw_weights_elsewhere": (
        "Training begins from weights that are not in the repository: {list}. Put them there before you train.",
        "Обучение начинается с весов, которых нет в репозитории: {list}. Добавьте их перед обучением.",
    ),
    "hw_versions_differ": (
        "The runs were made with different versions of {list}; {file} has those of the main run.",
        "Запуски сделаны с разными версиями библиотек ({list}); в {file} указаны версии главного запуска.",
    ),
    "hw_footer": (
        "Written by Vyvod {version} from the files in results/; every number can be recomputed from them.",
        "README составлен программой Vyvod {version} по файлам из results/; каждое число можно пересчитать по ним.",
    ),
}
