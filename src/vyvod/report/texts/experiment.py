"""The words of the write-up of an experiment and of the overview: (English, Russian)."""

Entry = tuple[str, str]

FORMS: dict[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "run": (("run", "runs"), ("запуск", "запуска", "запусков")),
    "run_in": (("run", "runs"), ("запуске", "запусках", "запусках")),
    "run_of": (("run", "runs"), ("запуска", "запусков", "запусков")),
    "epoch_by": (("epoch", "epochs"), ("эпоху", "эпохи", "эпох")),
    "epoch_of": (("epoch", "epochs"), ("эпохи", "эпох", "эпох")),
    "step_by": (("step", "steps"), ("шаг", "шага", "шагов")),
    "step": (("step", "steps"), ("шаг", "шага", "шагов")),
    "idea": (("idea", "ideas"), ("идея", "идеи", "идей")),
    "idea_for": (("idea", "ideas"), ("идею", "идеи", "идей")),
    "experiment": (("experiment", "experiments"), ("эксперимент", "эксперимента", "экспериментов")),
}
"""As in the words of every report; ``*_by`` follows "на" (by how much), ``*_in`` follows "в"."""

TEXTS: dict[str, Entry] = {
    # Heading
    "experiment_title": ("Experiment: {name}", "Эксперимент: {name}"),
    "experiment_byline": ("{task}, registered {date}", "{task}, зарегистрирован {date}"),
    "experiment_byline_ended": (", ended {date}", ", завершён {date}"),
    "experiment_footer": (
        "Written by Vyvod from record.json, results.json and the run folders; every number can be recomputed from "
        "them.",
        "Отчёт построен программой Vyvod по файлам record.json, results.json и папкам запусков; каждое число можно "
        "пересчитать по ним.",
    ),
    "task_name_classification": ("classification", "классификация"),
    "task_name_segmentation": ("segmentation", "сегментация"),
    "task_name_detection": ("detection", "детекция"),
    "task_name_reconstruction": ("reconstruction", "реконструкция"),
    # Verdicts
    "verdict_better": ("Better", "Лучше"),
    "verdict_worse": ("Worse", "Хуже"),
    "verdict_equivalent": ("Equivalent", "Равноценно"),
    "verdict_undecided": ("Undecided", "Результат не определён"),
    "verdict_none": ("No verdict", "Без вердикта"),
    "lead_better": (
        "{idea} is better than the baseline: {metric} on {split} is {side}, the difference is {difference}.",
        "Идея {idea} лучше baseline: {metric} на {split} {side}, разница {difference}.",
    ),
    "lead_worse": (
        "{idea} is worse than the baseline: {metric} on {split} is {side}, the difference is {difference}.",
        "Идея {idea} хуже baseline: {metric} на {split} {side}, разница {difference}.",
    ),
    "lead_equivalent": (
        "{idea} is equivalent to the baseline within the margin: the difference in {metric} on {split} is "
        "{difference}, and the whole interval lies inside ±{margin}.",
        "Идея {idea} равноценна baseline в пределах порога: разница по метрике «{metric}» на {split} составляет "
        "{difference}, и весь интервал лежит внутри ±{margin}.",
    ),
    "lead_undecided": (
        "For {idea} these runs do not decide: the difference in {metric} on {split} is {difference}; {why}.",
        "Для идеи {idea} по этим запускам вывод сделать нельзя: разница по метрике «{metric}» на {split} составляет "
        "{difference}; {why}.",
    ),
    "side_up": ("higher", "выше"),
    "side_down": ("lower", "ниже"),
    "side_same": ("the same", "на том же уровне"),
    "why_wide": (
        "the interval contains 0 and reaches beyond ±{margin}",
        "интервал содержит 0 и выходит за ±{margin}",
    ),
    "why_holm": (
        "the interval does not contain 0, but with Holm's correction for {ideas} {p}",
        "интервал не содержит 0, но с поправкой Холма на {ideas} {p}",
    ),
    "why_other": ("that is not enough for a verdict", "для вердикта этого недостаточно"),
    "decide_seeds": ("About {runs} in each arm would decide.", "Для вывода нужно около {runs} в каждой группе."),
    "decide_unknown": (
        "How many seeds would decide cannot be told from these data.",
        "Сколько запусков нужно для вывода, по этим данным сказать нельзя.",
    ),
    "decide_test_set": (
        "More seeds would not decide: the uncertainty comes from the test split, which would have to be larger.",
        "Новые запуски этого не изменят: неопределённость вызвана размером тестовой выборки, нужна бо́льшая.",
    ),
    "none_seeds": (
        "There is no verdict on {idea}: an interval that can be trusted needs at least 3 finished runs in each arm, "
        "and there are {baseline} of the baseline and {runs} of the idea.",
        "Для идеи {idea} вердикт не выносится: интервал, которому можно верить, требует не меньше 3 завершённых "
        "запусков в каждой группе, а их {baseline} у baseline и {runs} у идеи.",
    ),
    "none_no_values": (
        "There is no verdict on {idea}: no finished run of one of the arms has a value of {metric} ({baseline} of "
        "the baseline, {runs} of the idea).",
        "Для идеи {idea} вердикт не выносится: в одной из групп нет ни одного завершённого запуска со значением "
        "метрики «{metric}» (baseline: {baseline}, идея: {runs}).",
    ),
    "none_no_variance": (
        "There is no verdict on {idea}: all values of {metric} within the arms are equal ({baseline} runs of the "
        "baseline, {runs} of the idea), so that nothing says how far they vary.",
        "Для идеи {idea} вердикт не выносится: внутри групп все значения метрики «{metric}» совпали (запусков "
        "baseline: {baseline}, идеи: {runs}), поэтому оценить разброс не по чему.",
    ),
    "none_other": (
        "There is no verdict on {idea} yet ({reason}): {baseline} runs of the baseline and {runs} of the idea are "
        "finished.",
        "Для идеи {idea} вердикта пока нет ({reason}): завершено запусков baseline: {baseline}, идеи: {runs}.",
    ),
    "not_compared": ("not compared", "сравнение не проводилось"),
    "observed": (
        "The difference of the means is {difference}; it must not be read as a result.",
        "Разница средних {difference}; считать её результатом нельзя.",
    ),
    "lead_nothing": (
        "No results yet: no comparison has been stored for this experiment.",
        "Результатов пока нет: сравнение для этого эксперимента ещё не сохранено.",
    ),
    "lead_ideas": (
        "{ideas} against one baseline, in {metric} on {split}. {list}.",
        "Сравнение с одним baseline по метрике «{metric}» на {split}, идей: {ideas}. {list}.",
    ),
    "fact_arm": ("{name}, {runs}", "{name}, {runs}"),
    "fact_difference": ("difference, idea − baseline", "разница, идея − baseline"),
    "fact_margin": ("margin", "порог значимости"),
    "fact_seeds": ("seeds that would decide", "запусков на группу для вывода"),
    "baseline": ("baseline", "baseline"),
    "table_ideas": (
        "Ideas against the baseline: mean and 95 % interval. p is corrected for the number of ideas (Holm)",
        "Идеи в сравнении с baseline: среднее и 95-процентный интервал. p с поправкой на число идей (Холм)",
    ),
    "col_idea": ("idea", "идея"),
    "col_verdict": ("verdict", "вердикт"),
    "col_arm": ("arm", "группа"),
    "col_n": ("n", "n"),
    "col_mean": ("mean", "среднее"),
    "col_difference": ("difference", "разница"),
    "col_interval": ("95 % interval", "95 % интервал"),
    "col_p_holm": ("p (Holm)", "p (Холм)"),
    "col_seeds_needed": ("seeds that would decide", "запусков для вывода"),
    "note_failed_runs": (
        "Not finished: {count} of {all} runs. They are listed below and are not part of the comparison.",
        "Не завершено запусков: {count} из {all}. Они перечислены ниже и в сравнение не входят.",
    ),
    "note_lost_runs": (
        "{count} of {all} run folders could not be read, so curves and pictures lack them: {list}.",
        "Не удалось прочитать папки запусков ({count} из {all}), поэтому их нет на кривых и среди примеров: {list}.",
    ),
    "lost_missing": ("{folder} is not there", "{folder} нет на месте"),
    "lost_damaged": ("{folder}: {reason}", "{folder}: {reason}"),
    "note_changed_later": (
        "The file of the experiment is no longer as it was registered. This report shows what was registered.",
        "Файл эксперимента изменён после регистрации. В отчёте показано то, что было зарегистрировано.",
    ),
    # Goal and idea
    "section_goal": ("Goal and idea", "Цель и идея"),
    "goal_sentence_up": (
        "The goal is a higher {metric} on the {split} split. A difference below {margin} does not matter.",
        "Цель: повысить значение метрики «{metric}» на выборке {split}. Разница меньше {margin} не важна.",
    ),
    "goal_sentence_down": (
        "The goal is a lower {metric} on the {split} split. A difference below {margin} does not matter.",
        "Цель: снизить значение метрики «{metric}» на выборке {split}. Разница меньше {margin} не важна.",
    ),
    "goal_registered": (
        "Goal, idea and margin were registered on {time} UTC, before the first run, and are shown as they were then.",
        "Цель, идея и порог зарегистрированы {time} UTC, до первого запуска, и показаны в том виде, в каком были "
        "тогда.",
    ),
    "idea_none": ("No idea was written down.", "Обоснование идеи не записано."),
    "table_registered": ("As registered", "Зарегистрировано"),
    "reg_metric": ("metric", "метрика"),
    "reg_direction": ("direction", "направление"),
    "reg_direction_up": ("higher is better", "чем больше, тем лучше"),
    "reg_direction_down": ("lower is better", "чем меньше, тем лучше"),
    "reg_margin": ("margin", "порог значимости"),
    "reg_target": ("target", "целевое значение"),
    "reg_target_baseline": (
        "the baseline's mean best value on val",
        "среднее лучших значений на val по запускам baseline",
    ),
    "reg_seeds": ("seeds", "seed"),
    "reg_time": ("registered (UTC)", "зарегистрировано (UTC)"),
    "reg_hash": ("hash", "контрольная сумма"),
    "reg_detectable": (
        "smallest difference found with 80 % power",
        "наименьшая разница, обнаруживаемая с мощностью 80 %",
    ),
    "reg_detectable_none": ("nothing was known beforehand", "заранее оценить было не по чему"),
    "reg_basis": ("how it was found", "как она получена"),
    # Changes
    "section_changes": ("What was changed", "Что изменено"),
    "table_changes": (
        "Only the settings that differ from the baseline",
        "Только настройки, которые отличаются от baseline",
    ),
    "col_key": ("setting", "настройка"),
    "col_before": ("baseline", "baseline"),
    "col_after": ("idea", "идея"),
    "changes_none": ("No changed settings are recorded.", "Изменённых настроек в записи нет."),
    "also_changed": (
        "Besides the idea this differs too, so that the difference cannot be put down to the idea alone:",
        "Кроме идеи отличается и это, поэтому приписать разницу только ей нельзя:",
    ),
    # Curves
    "section_arm_curves": ("Results: training curves", "Результаты: кривые обучения"),
    "arm_curves_lead": (
        "Thin lines are single runs, thick ones the mean over the runs of an arm, the band reaches from the lowest "
        "to the highest run. Mean and band end where the shortest run of the arm ends.",
        "Тонкие линии: отдельные запуски; толстая: среднее по запускам группы; полоса: от наименьшего до наибольшего "
        "значения среди запусков. Среднее и полоса заканчиваются там, где закончился самый короткий запуск группы.",
    ),
    "curves_none": (
        "None of the run folders could be read, so there are no curves.",
        "Ни одну папку запуска прочитать не удалось, поэтому кривых нет.",
    ),
    "fig_curves_metric": ("{metric} on val", "{metric} на val"),
    "fig_curves_loss": ("Loss", "Функция потерь"),
    "cap_curves_metric": ("{metric} on val after every epoch.", "{metric} на val после каждой эпохи."),
    "cap_curves_target": (
        "The dotted line is the target; each diamond on it is the epoch in which a run reached it.",
        "Пунктирная линия: целевое значение; каждый ромб на ней: эпоха, в которую запуск его достиг.",
    ),
    "cap_curves_loss": (
        "Loss on train (above) and on val (below).",
        "Функция потерь на train (вверху) и на val (внизу).",
    ),
    "cap_curves_loss_changed": (
        "The idea changes what is minimised: the train losses of the arms are different quantities and cannot be "
        "compared.",
        "Идея меняет саму функцию потерь: её значения на train в разных группах — разные величины и не сравниваются.",
    ),
    "target_line": ("target {value}", "целевое значение {value}"),
    "alt_arm_end": ("{name}: {value} in the end", "{name}: в конце {value}"),
    # Comparison
    "section_comparison": ("Comparison with the baseline", "Сравнение с baseline"),
    "fig_difference": ("Difference in {metric}", "Разница: {metric}"),
    "cap_difference": (
        "Idea − baseline on {split} with the 95 % interval. Grey band: the margin ±{margin}, inside which a "
        "difference does not matter. Filled: the interval does not contain 0.",
        "Идея − baseline на {split} и 95-процентный интервал. Серая полоса: порог ±{margin}, внутри неё разница не "
        "важна. Закрашенный кружок: интервал не содержит 0.",
    ),
    "axis_difference_up": ("idea − baseline (better →)", "идея − baseline (лучше →)"),
    "axis_difference_down": ("idea − baseline (← better)", "идея − baseline (← лучше)"),
    "table_metrics": (
        "Values on {split}: mean over runs. Only the metric of the goal, in bold, has a verdict; the other intervals "
        "are not corrected for their number",
        "Значения на {split}: среднее по запускам. Вердикт относится только к метрике цели (полужирная); остальные "
        "интервалы на их число не скорректированы",
    ),
    # Classes
    "section_class_differences": ("Differences by class", "Разница по классам"),
    "fig_class_differences": ("Difference in {metric} by class", "Разница по классам: {metric}"),
    "fig_class_differences_some": (
        "The {shown} largest differences in {metric}",
        "Наибольшие разницы ({shown}): {metric}",
    ),
    "cap_class_differences": (
        "Idea − baseline with the 95 % interval, the largest differences first. Filled: the interval does not "
        "contain 0.",
        "Идея − baseline и 95-процентный интервал, сначала наибольшие разницы. Закрашенный кружок: интервал не "
        "содержит 0.",
    ),
    "table_class_differences": (
        "Mean {metric} of each class over runs, the largest differences first. The intervals are not corrected for "
        "the number of classes",
        "Среднее по запускам значение метрики «{metric}» каждого класса, сначала наибольшие разницы. Интервалы на "
        "число классов не скорректированы",
    ),
    # Gallery
    "section_flips": ("Fixed and broken by the idea", "Исправлено и испорчено идеей"),
    "flips_lead": (
        "Images of the test split on which the runs of the two arms differ most.",
        "Изображения тестовой выборки, на которых запуски двух групп расходятся сильнее всего.",
    ),
    "flips_none": (
        "There are no images on which the arms differ consistently.",
        "Изображений, на которых группы устойчиво расходятся, нет.",
    ),
    "flips_no_pictures": (
        "No run folder holds a picture of these images; the table names them.",
        "Ни в одной папке запуска нет снимков этих изображений; они перечислены в таблице.",
    ),
    "flips_some_pictures": (
        "The run folders hold pictures of {shown} of these {all} images; the table names all of them.",
        "В папках запусков есть снимки части этих изображений ({shown} из {all}); в таблице перечислены все.",
    ),
    "flip_fixed": ("fixed", "исправлено"),
    "flip_broken": ("broken", "испорчено"),
    "filter_fixed": ("Fixed by the idea", "Исправлено идеей"),
    "filter_broken": ("Broken by the idea", "Испорчено идеей"),
    "flip_right": ("right in {right} of {n}", "верно в {right} из {n}"),
    "flip_mean": ("mean {score}", "среднее {score}"),
    "flip_truth": ("Truth", "Истина"),
    "cap_flips": (
        "Solid frame: fixed by the idea. Dashed frame: broken. The numbers are over all runs of an arm; behind the "
        "arrow is the answer of one of them, which is also what is drawn.",
        "Сплошная рамка: исправлено идеей. Пунктирная: испорчено. Числа: по всем запускам группы; после стрелки: "
        "ответ одного из них, он же и нарисован.",
    ),
    "alt_flips": (
        "{fixed} images fixed and {broken} broken by the idea",
        "исправлено идеей: {fixed}, испорчено: {broken}",
    ),
    "table_flips": ("Images that the idea fixes and breaks", "Изображения, которые идея исправляет и портит"),
    "col_outcome": ("outcome", "исход"),
    # Time to target
    "section_target": ("Time to target", "Время до целевого значения"),
    "target_lead_baseline": (
        "The target is {value}: the mean over the baseline's runs of their best {metric} on val.",
        "Целевое значение: {value}, среднее лучших значений метрики «{metric}» на val по запускам baseline.",
    ),
    "target_lead_given": (
        "The target is {value} in {metric} on val, as given.",
        "Целевое значение: {value} по метрике «{metric}» на val, задано заранее.",
    ),
    "target_how": (
        "A run reaches it at the first epoch from which its best value so far is at or beyond it. A run that never "
        "does is not given a number: the restricted mean counts it with the length of the training. p is from an "
        "exact permutation test.",
        "Запуск достигает целевого значения в первую эпоху, начиная с которой его лучшее значение не хуже целевого. "
        "Запуску, который его не достиг, число не приписывается: в среднее с ограничением (restricted mean) он входит с "
        "длиной всего обучения. p: точный перестановочный критерий.",
    ),
    "table_target": ("Time to target {value}", "Время до целевого значения {value}"),
    "col_unit": ("unit", "единица"),
    "col_reached_baseline": ("reached, baseline", "достигли, baseline"),
    "col_reached_idea": ("reached, idea", "достигли, идея"),
    "col_restricted_baseline": ("restricted mean, baseline", "среднее с ограничением, baseline"),
    "col_restricted_idea": ("restricted mean, idea", "среднее с ограничением, идея"),
    "col_ratio": ("ratio", "отношение"),
    "col_p": ("p", "p"),
    "unit_epochs": ("epochs", "эпохи"),
    "unit_steps": ("steps", "шаги"),
    "unit_seconds": ("time", "время"),
    "reached_of": ("{reached} of {n}", "{reached} из {n}"),
    "pace_faster": ("faster", "быстрее"),
    "pace_slower": ("slower", "медленнее"),
    "pace_undecided": ("undecided", "не определено"),
    "pace_cannot": ("so few runs cannot decide", "запусков слишком мало для вывода"),
    "fig_speedup": ("Speed-up against the threshold", "Ускорение в зависимости от порога"),
    "cap_speedup": (
        "How many times sooner the idea reaches a value of {metric} on val than the baseline, in epochs; above 1 the "
        "idea is faster. Without an interval: the curve shows whether the choice of the target matters.",
        "Во сколько раз раньше, в эпохах, идея доходит до данного значения метрики «{metric}» на val; выше 1 идея "
        "быстрее. Интервала здесь нет: кривая показывает, важен ли выбор целевого значения.",
    ),
    "axis_target": ("threshold: {metric} on val", "порог: {metric} на val"),
    "axis_speedup": ("baseline / idea", "baseline / идея"),
    # Cost
    "table_arm_cost": ("Cost of a run, mean over the arm", "Затраты на один запуск, среднее по группе"),
    "cost_total": ("training time of all runs", "время обучения всех запусков"),
    "cost_ratio": ("{value} (×{ratio})", "{value} (×{ratio})"),
    # Conclusions
    "section_conclusions": ("Conclusions", "Выводы"),
    "conclusions_drafted": (
        "Drafted by the program from the results; each sentence rests on the numbers that it names.",
        "Составлено программой по результатам; каждое предложение опирается на числа, которые в нём названы.",
    ),
    "conclusions_own": ("Conclusions of the author", "Выводы автора"),
    "own_invitation": (
        "*Write your own conclusions here, between the two comment lines: this text is kept when the report is "
        "written again.*",
        "*Запишите здесь свои выводы, между двумя строками-комментариями: при обновлении отчёта этот текст "
        "сохраняется.*",
    ),
    "own_empty": (
        "None yet. They are written in README.md of this folder, between the lines {start} and {end}, and survive "
        "every regeneration.",
        "Пока не записаны. Их место в файле README.md этой папки, между строками {start} и {end}; при обновлении "
        "отчёта они сохраняются.",
    ),
    "c_compared": (
        "Compared: {baseline} of the baseline and {runs} of {idea}, in {metric} on the {split} split of {data}.",
        "Сравнены {baseline} baseline и {runs} идеи {idea} по метрике «{metric}» на выборке {split} датасета {data}.",
    ),
    "c_compared_short": (
        "Compared: {baseline} of the baseline and {runs} of {idea}, in {metric} on {split}.",
        "Сравнены {baseline} baseline и {runs} идеи {idea} по метрике «{metric}» на {split}.",
    ),
    "c_difference": (
        "The mean {metric} of {idea} is {side}: {value} against {baseline} of the baseline, a difference of "
        "{difference} (95 % interval); {p}.",
        "В среднем у идеи {idea} {metric} {side}: {value} против {baseline} у baseline, разница {difference} "
        "(95-процентный интервал); {p}.",
    ),
    "c_p_holm": ("with Holm's correction for {ideas} {p}", "с поправкой Холма на {ideas} {p}"),
    "goal_better_beyond": (
        "The goal is reached: the idea is better, and the whole interval lies beyond the margin of {margin}.",
        "Цель достигнута: идея лучше baseline, и весь интервал разницы лежит дальше порога {margin}.",
    ),
    "goal_better_likely": (
        "The idea is better, and the estimated difference reaches the margin of {margin}; but the interval also "
        "holds smaller ones, so the gain may be less than what matters.",
        "Идея лучше baseline, и оценка разницы не меньше порога {margin}; но интервал содержит и меньшие значения, "
        "так что выигрыш может оказаться меньше важного.",
    ),
    "goal_better_unclear": (
        "The idea is better, but the estimated difference is below the margin of {margin}: whether the gain matters "
        "remains open.",
        "Идея лучше baseline, но оценка разницы меньше порога {margin}: важен ли такой выигрыш, остаётся открытым.",
    ),
    "goal_better_small": (
        "The idea is better, but the whole interval lies below the margin of {margin}: for the goal such a gain does "
        "not matter.",
        "Идея лучше baseline, но весь интервал разницы меньше порога {margin}: для цели такой выигрыш не важен.",
    ),
    "goal_worse_beyond": (
        "The goal is missed: the idea is worse, and the whole interval lies beyond the margin of {margin}.",
        "Цель не достигнута: идея хуже baseline, и весь интервал разницы лежит дальше порога {margin}.",
    ),
    "goal_worse_unclear": (
        "The goal is missed: the idea is worse. Whether the loss exceeds the margin of {margin} remains open.",
        "Цель не достигнута: идея хуже baseline. Превышает ли проигрыш порог {margin}, остаётся открытым.",
    ),
    "goal_worse_small": (
        "The goal is missed: the idea is worse, though by less than the margin of {margin}.",
        "Цель не достигнута: идея хуже baseline, хотя и меньше чем на порог {margin}.",
    ),
    "goal_equivalent": (
        "If the arms differ, then by less than the margin of {margin}, which was set beforehand as the smallest "
        "difference that matters: the goal is not reached.",
        "Если различие и есть, оно меньше порога {margin}, заранее названного наименьшей важной разницей: цель не "
        "достигнута.",
    ),
    "goal_undecided": (
        "Whether the goal is reached remains open: the data agree with a difference of {low} as well as with one of "
        "{high}.",
        "Достигнута ли цель, пока неизвестно: данные согласуются и с разницей {low}, и с разницей {high}.",
    ),
    "c_classes_better": (
        "Better than the baseline in {metric} for {classes}: {list}.",
        "По метрике «{metric}» идея лучше baseline у {classes}: {list}.",
    ),
    "c_classes_worse": (
        "Worse in {metric} for {classes}: {list}.",
        "По метрике «{metric}» идея хуже baseline у {classes}: {list}.",
    ),
    "c_classes_none": (
        "For none of {classes} does the interval of the difference in {metric} lie on one side of 0.",
        "Ни для одного из {classes} интервал разницы по метрике «{metric}» не исключает 0.",
    ),
    "c_classes_chance": (
        "The intervals of the classes are not corrected for their number: even if nothing differed, about {expected} "
        "of {all} would lie on one side of 0.",
        "Интервалы по классам не скорректированы на их число: даже без всякого различия по одну сторону от 0 лежало бы "
        "в среднем {expected} из {all}.",
    ),
    "list_more": ("{list} and {count} more", "{list} и ещё {count}"),
    "c_reached": (
        "The target of {target} in {metric} on val: ",
        "Целевое значение {target} по метрике «{metric}» на val: ",
    ),
    "arm_baseline": ("the baseline", "baseline"),
    "arm_idea": ("{idea}", "идея {idea}"),
    "reached_some": ("{arm} reaches it in {reached} of {n}", "{arm} достигает его в {reached} из {n}"),
    "reached_none": ("{arm} reaches it in none of {n}", "{arm} не достигает его ни в одном запуске из {n}"),
    "c_pace_sooner": (
        "On average {idea} needs {amount} less to get there: {value} against {baseline} ({p}). {verdict}",
        "В среднем идея {idea} достигает его на {amount} раньше: {value} против {baseline} ({p}). {verdict}",
    ),
    "c_pace_later": (
        "On average {idea} needs {amount} more to get there: {value} against {baseline} ({p}). {verdict}",
        "В среднем идея {idea} достигает его на {amount} позже: {value} против {baseline} ({p}). {verdict}",
    ),
    "c_pace_sooner_least": (
        "On average {idea} needs at least {amount} less to get there: {value} against {baseline} or more ({p}). "
        "{verdict}",
        "В среднем идея {idea} достигает его не меньше чем на {amount} раньше: {value} против {baseline} или больше "
        "({p}). {verdict}",
    ),
    "c_pace_later_least": (
        "On average {idea} needs at least {amount} more to get there: {value} or more against {baseline} ({p}). "
        "{verdict}",
        "В среднем идея {idea} достигает его не меньше чем на {amount} позже: {value} или больше против {baseline} "
        "({p}). {verdict}",
    ),
    "c_pace_censored": (
        "How long it takes on average {unit} is not known, since not all runs got there: counted with the whole training "
        "({limit}) where they did not, it is {value} for {idea} against {baseline} ({p}). {verdict}",
        "Среднее время {unit} неизвестно, так как целевого значения достигли не все запуски; если считать недостигшие с "
        "полной длиной обучения ({limit}), у идеи {idea} выходит {value} против {baseline} у baseline ({p}). {verdict}",
    ),
    "pace_in_epochs": ("in epochs", "в эпохах"),
    "pace_in_seconds": ("in seconds", "в секундах"),
    "c_pace_same": (
        "On average {idea} needs as long as the baseline to get there: {value} against {baseline} ({p}). {verdict}",
        "В среднем идея {idea} достигает его за то же время: {value} против {baseline} ({p}). {verdict}",
    ),
    "pace_says_faster": ("So the idea is faster.", "Вывод: идея быстрее."),
    "pace_says_slower": ("So the idea is slower.", "Вывод: идея медленнее."),
    "pace_says_undecided": (
        "These runs do not decide whether it is faster.",
        "Быстрее ли идея, по этим запускам сказать нельзя.",
    ),
    "pace_says_cannot": (
        "So few runs cannot give p < 0.05 whatever they show, hence no conclusion about speed.",
        "При таком числе запусков p < 0,05 недостижимо при любом исходе, поэтому вывода о скорости нет.",
    ),
    "c_cost": (
        "Cost: {parameters}; an epoch of {idea} takes {value} against {baseline} of the baseline (×{ratio}).",
        "Затраты: {parameters}; эпоха у идеи {idea} длится {value} против {baseline} у baseline (×{ratio}).",
    ),
    "c_parameters": ("{value} parameters against {baseline}", "параметров {value} против {baseline}"),
    "c_parameters_same": ("the number of parameters is the same ({value})", "число параметров то же ({value})"),
    "c_limits": (
        "Limits: one data set, {baseline} of the baseline and {runs} of {idea}.",
        "Ограничения: один датасет, {baseline} baseline и {runs} идеи {idea}.",
    ),
    "c_share_runs": (
        "{share} of the variance of the difference comes from the finite test split, the rest from the runs: more "
        "runs would narrow the interval most.",
        "Вклад ограниченного размера тестовой выборки — {share} дисперсии разницы, остальное — разброс между запусками: "
        "сильнее всего интервал сузит увеличение числа запусков.",
    ),
    "c_share_test": (
        "{share} of the variance of the difference comes from the finite test split: more runs would narrow the "
        "interval little, a larger test split would.",
        "Вклад ограниченного размера тестовой выборки — {share} дисперсии разницы: увеличение числа запусков почти не "
        "сузит интервал, нужна бо́льшая тестовая выборка.",
    ),
    "c_detectable": (
        "So many runs find a difference of {value} with a power of 80 %; smaller ones are easily missed.",
        "При таком числе запусков разница {value} обнаруживается с мощностью 80 %; меньшую легко пропустить.",
    ),
    "c_failed": (
        "Runs that did not finish: {count} of {all} ({list}); they are not part of the comparison.",
        "Незавершённые запуски: {count} из {all} ({list}); в сравнение они не вошли.",
    ),
    "failed_run": ("{arm}, seed {seed}", "{arm}, seed {seed}"),
    "c_nothing": (
        "There is nothing to conclude yet: no comparison has been stored.",
        "Делать выводы пока не из чего: сравнение ещё не сохранено.",
    ),
    # Runs
    "section_runs": ("All runs", "Все запуски"),
    "table_runs": (
        "Every run of the experiment, also those that did not finish. {metric} on {split}",
        "Все запуски эксперимента, в том числе незавершённые. {metric} на {split}",
    ),
    "col_seed": ("seed", "seed"),
    "col_best_epoch": ("best epoch", "лучшая эпоха"),
    "col_epochs": ("epochs", "эпох"),
    "col_training": ("training", "обучение"),
    "col_status": ("status", "состояние"),
    "col_run": ("run", "запуск"),
    "status_finished": ("finished", "завершён"),
    "status_failed": ("failed", "ошибка"),
    "status_missing": ("missing", "нет"),
    "status_running": ("running", "идёт"),
    "status_interrupted": ("interrupted", "прерван"),
    "status_reused": ("{status}, reused", "{status}, взят готовым"),
    "status_error": ("{status}: {error}", "{status}: {error}"),
    # Method
    "section_method": ("Method", "Метод"),
    "method": (
        "Every arm was trained with several seeds. The checkpoint of a run is chosen on val, and its metric is "
        "computed once, on {split}. The difference D is the mean over the idea's runs minus the mean over the "
        "baseline's. Its variance has two sources: Var(D) = s²/n of the baseline + s²/n of the idea (between seeds) "
        "+ V (the finite test split); V comes from a bootstrap over the images of the test split ({resamples} "
        "resamples), the same images drawn for both arms. The 95 % interval is Student's t with the degrees of "
        "freedom of Welch and Satterthwaite from the two seed terms; runs with equal seeds are not taken as pairs. "
        "“Better” and “worse”: the interval lies on one side of 0. “Equivalent”: it lies inside ±{margin}, the "
        "margin that was set before the runs. Otherwise the question is undecided, which does not mean that there is "
        "no difference. Fewer than 3 runs in an arm get no verdict.",
        "Каждая группа обучена с несколькими seed. Чекпоинт запуска выбран по val, метрика вычислена один раз, на "
        "{split}. Разница D: среднее по запускам идеи минус среднее по запускам baseline. У её дисперсии два "
        "источника: Var(D) = s²/n для baseline + s²/n для идеи (разброс между seed) + V (конечная тестовая выборка); "
        "V оценена бутстрепом по изображениям тестовой выборки (повторов: {resamples}), для обеих групп изображения "
        "одни и те же. 95-процентный интервал построен по распределению Стьюдента, число степеней свободы по Уэлчу и "
        "Саттертуэйту из двух слагаемых разброса между seed; запуски с одинаковым seed парами не считаются. «Лучше» "
        "и «хуже»: интервал лежит по одну сторону от 0. «Равноценно»: он лежит внутри ±{margin}, порога, заданного "
        "до запусков. Иначе результат не определён, и это не значит, что различия нет. Если в группе меньше 3 запусков, "
        "вердикт не выносится.",
    ),
    "method_holm": (
        "{ideas} are compared with one baseline, so the p values are corrected by Holm's method.",
        "С одним baseline сравнивается несколько идей ({ideas}), поэтому p скорректированы методом Холма.",
    ),
    "method_other": (
        "Other metrics and single classes are shown with intervals that are not corrected for their number, and get "
        "no verdict.",
        "Остальные метрики и отдельные классы показаны с интервалами без поправки на их число, вердикт по ним не "
        "выносится.",
    ),
    # Repeat
    "repeat_experiment": (
        "Trains what is missing, compares again and writes this report:",
        "Обучить недостающее, сравнить заново и построить этот отчёт:",
    ),
    "repeat_report": (
        "Writes the report alone again, in the language that is wanted:",
        "Построить заново только отчёт, на нужном языке:",
    ),
    "repeat_single": (
        "Repeats a single run from its own settings:",
        "Повторить отдельный запуск по его же настройкам:",
    ),
    "repeat_code": ("Versions and fingerprints of the runs", "Версии и контрольные суммы запусков"),
    # Overview
    "overview_title": ("Experiments of this repository", "Эксперименты этого репозитория"),
    "overview_byline": ("{experiments}, {runs}", "{experiments}, {runs}"),
    "overview_lead": (
        "Every idea of every experiment with its verdict; each name leads to its report.",
        "Все идеи всех экспериментов с вердиктами; по названию открывается отчёт.",
    ),
    "overview_none": (
        "There is no experiment yet. {command} starts one.",
        "Экспериментов пока нет. Начать: {command}.",
    ),
    "overview_ideas": ("Ideas and verdicts", "Идеи и вердикты"),
    "overview_baselines": ("Baselines", "Baseline"),
    "overview_runs": ("Other runs", "Другие запуски"),
    "table_overview_ideas": (
        "Means on the test split, and the difference with its 95 % interval",
        "Средние на тестовой выборке и разница с 95-процентным интервалом",
    ),
    "table_overview_baselines": ("Baselines of the experiments", "Baseline экспериментов"),
    "table_overview_runs": ("Runs that belong to no experiment", "Запуски, которые не входят в эксперименты"),
    "overview_lost": ("{name} could not be read: {reason}", "{name}: не удалось прочитать ({reason})"),
    "overview_footer": (
        "Written by Vyvod from the folders of the experiments and runs.",
        "Страница построена программой Vyvod по папкам экспериментов и запусков.",
    ),
    "idea_mean": ("idea, mean", "идея, среднее"),
    "col_experiment": ("experiment", "эксперимент"),
    "col_task": ("task", "задача"),
    "col_data": ("data set", "датасет"),
    "col_model": ("network", "сеть"),
}
