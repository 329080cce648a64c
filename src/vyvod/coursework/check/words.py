"""What headings, metrics, tasks and data sets are called in Russian and English, by stems."""

import re
from difflib import SequenceMatcher

_STEMS: dict[str, str] = {
    # Parts of a README
    "task": r"задач|постановк|\btask|problem statement|\bproblem\b",
    "data": r"датасет|дата-?сет|набор\w* данных|выборк|\bданны[ехм]|data ?set|\bdata\b",
    "subject_label": r"предмет|дисциплин|\bкурс\b|subject|\bcourse\b|discipline",
    "name_label": r"фио|ф\.\s?и\.\s?о|студент|выполнил|автор|исполнител|full name|student|author|\bname\b|made by|\bby\b",
    "experiment": r"эксперимент|experiment|гипотез\w* \d|ablation|абляц",
    "goal": r"\bцел[ьиья]|\bзачем\b|для чего|задача эксперимента|(хоти\w*|хоте\w*|хоч\w*|нужно|надо|решил\w*) провер|"
    r"\bgoal|\baim\b|objective|purpose|want to (see|check|test|find)",
    "hypothesis": r"гипотез|hypothes",
    "idea": r"\bиде[яиюй]|гипотез|\bidea|hypothes|что мен|предположен|motivation|мотивац",
    "results": r"результат|\bresult|\bитоги?\b",
    "baseline": r"baseline|base-line|бейзлайн|бэйзлайн|базов\w* (модел|решени|вариант|сет|уров)|с базов|сравнен|compar|"
    r"\bversus\b|\bvs\b",
    "conclusions": r"вывод|заключен|conclusion|summary|takeaway|\bитог\w*\b|discussion|обсужден",
    "examples": r"пример|example|sample|предсказан|predict|визуализац|visuali[sz]|инференс|inference|ответ\w* сети|output|"
    r"работ\w* (сети|модели)",
    # Figures
    "loss": r"\bloss|_loss|loss_|losses|лосс|потер|кросс-?энтроп|cross-?entropy|\bbce\b|"
    r"\bошибк\w* (на|обучен|по эпох)",
    "metric": r"метрик|metric|accurac|precision|recall|\bf-?1\b|f1|\bmap\b|map_?\d|\bdice|\biou\b|miou|точност|полнот|"
    r"f-мер|дайс|качеств",
    "curve": r"крив|график|curve|plot|эпох|epoch|во время обучения|в процессе обучения|в ходе обучения|during training|"
    r"динамик|history|training",
    "validation": r"валидац|\bval|_val|val_|провероч",
    "no_curve": r"матриц|confusion|roc\b|pr[-_ ]?(curve|крив)|precision[-_ ]recall|пример|example|баланс|balance|распределен|"
    r"distribution|по классам|per[-_ ]class|архитектур|architecture",
    "total": r"\bвсе\b|всех|общ|итог|средн|взвеш|macro|micro|weighted|\bavg|average|mean|\ball\b|overall|total",
    "each_class": r"по класс|кажд\w* класс|для класс|per[-_ ]class|each class|by class|class-?wise|поклассов",
    "class": r"\bкласс(?!иф)|\bclass(?!if)|категори|categor|\blabel|метка",
    # Tasks
    "classification": r"классификац|classif",
    "segmentation": r"сегментац|сегментир|segment",
    "detection": r"детекц|детектир|детектор|обнаружени\w* (объект|предмет|дерев|людей|лиц|клеток)|detection|detector|\bdetect\b",
    # Conclusions that nobody wrote
    "placeholder": r"\btodo\b|\btbd\b|\bfixme\b|lorem ipsum|напишите|запишите здесь|впишите|заполните|write your|fill in|"
    r"(будет|будут|появ\w*|добав\w*|допи[сш]\w*|напи[сш]\w*|заполн\w*) (позже|потом|позднее)|"
    r"(здесь|тут|позже|потом) (будет|будут)\b|coming soon|"
    r"(to|will) be (added|written|done|filled)|your (text|conclusions?) here|\bxxx\b",
}
# An ending has some letters: without a limit a stem that is repeated ten thousand times would take seconds.
_PATTERNS = {name: re.compile(stem.replace(r"\w*", r"\w{0,12}"), re.IGNORECASE) for name, stem in _STEMS.items()}

TASKS = ("classification", "segmentation", "detection")

SUBJECTS = re.compile(
    r"компьютерн\w* зрени|computer vision|глубок\w* обучени|deep learning|машинн\w* обучени|machine learning|нейр\w*[- ]?сет|"
    r"neural network|искусственн\w* интеллект|обработк\w* изображени|image processing",
    re.IGNORECASE,
)
DATA_SETS = re.compile(
    r"cifar-?\d*|mnist|imagenet|imagenette|imagewoof|\bcoco\b|pascal|\bvoc\b|cityscapes|camvid|ade20k|celeba|flowers-?102|oxford|"
    r"\bpets?\b|food-?101|stanford|caltech|svhn|stl-?10|kitti|openimages|open images|bccd|nuclei|dsb ?2018|isic|ham10000|"
    r"nuinsseg|neontree|deepglobe|inria|chest x-?ray|eurosat|intel image|kvasir|busi\b|brats|widerface|global wheat|visdrone",
    re.IGNORECASE,
)
COLAB = re.compile(r"colab\.research\.google\.com|colab\.google|kaggle\.com", re.IGNORECASE)
"""In a link: where a notebook can be opened."""

METRICS: dict[str, re.Pattern[str]] = {
    # The longest names first: the name of one metric is a part of another's.
    "map": re.compile(
        r"m?ap\s*[@_\-(\[]*\s*(?:iou\s*=?\s*)?[\[(]?\s*(?:0?[.,]50?|50)\s*(?:[:\-–—]|to|\.\.)\s*"
        r"(?:0?[.,]05\s*[:\-–—]\s*)?(?:0?[.,])?95[\])]?",
        re.IGNORECASE,
    ),
    "map75": re.compile(r"m?ap\s*[@_\-(]*\s*(?:0?[.,]75|75)\)?", re.IGNORECASE),
    "map50": re.compile(r"m?ap\s*[@_\-(]*\s*(?:iou\s*=?\s*)?(?:0?[.,]50?|50)(?![\d])\)?", re.IGNORECASE),
    "accuracy": re.compile(r"(?:точность|доля верных ответов|top-?\d)?[\s(]*(?:accuracy|\bacc\b)\)?", re.IGNORECASE),
    "precision": re.compile(r"точност\w*[\s(]*precision|precision|точност\w*|прецизион\w*", re.IGNORECASE),
    "recall": re.compile(r"полнот\w*[\s(]*recall|recall|полнот\w*|чувствительност\w*|sensitivity", re.IGNORECASE),
    "f1": re.compile(
        r"f[-_ ]?(?:1|₁)(?:[-_ ]?(?:score|measure|мера))?|f[-_ ]?(?:score|measure)|[fф][-_ ]?мера", re.IGNORECASE
    ),
    "dice": re.compile(r"\bdice(?:[-_ ]?(?:score|coefficient))?|дайс\w*|\bdsc\b|с[её]ренсен\w*", re.IGNORECASE),
    "iou": re.compile(r"m?iou|jaccard|жаккар\w*", re.IGNORECASE),
    "map_any": re.compile(r"\bmap\b", re.IGNORECASE),
}

_LONGEST = 4000
"""Letters that are looked through for metrics: a sentence or a table, not a book."""
_TENS = ("два|двум|двух|two", "три|трем|трём|трех|трёх|three", "четыр\\w*|four", "пят[ьи]|five", "шест[ьи]|six")
_TENS_REST = ("сем[ьи]|seven", "восем[ьи]|восьми|eight", "девят[ьи]|nine", "десят[ьи]|ten")
_NUMBER_WORDS = dict(enumerate((*_TENS, *_TENS_REST), start=2))
_CLASSES = r"(?:класс(?!иф)|class(?!if)|категори|categor)"
_TO = r"\s{0,3}(?:[-–—…]|\.{2,3}|до|to)\s{0,3}"
_BETWEEN = r"(?:(?!на\b|в\b|по\b|per\b|of\b|for\b|in\b|each\b|кажд)[\w-]{1,30}\s{1,5}){0,2}?"
"""Between a number and its noun: `10 balanced classes`, but not `2000 per class`."""
_STOP = r"[ \t]{0,5}(?:[:,.;(—–]|$)"
"""After a number that stands behind its noun: `классов десять: кот, пёс`."""
_COUNT = re.compile(
    rf"(?<![\w.,:-])(?P<before>\d{{1,4}})[-\s]{{1,5}}{_BETWEEN}{_CLASSES}|"
    rf"{_CLASSES}\w{{0,12}}\s{{0,5}}(?:\(|[:=—–-]|равн\w{{0,5}}|is)\s{{0,5}}(?P<after>\d{{1,4}})\b(?!{_TO}\d)|"
    rf"(?:классов|категорий)\s{{1,5}}(?P<behind>\d{{1,4}})(?={_STOP})",
    re.IGNORECASE | re.MULTILINE,
)
_COUNT_WORDS = {
    number: re.compile(
        rf"\b(?:{words})\b\s{{1,5}}{_BETWEEN}{_CLASSES}|(?:классов|категорий)\s{{1,5}}(?:{words})(?={_STOP})",
        re.IGNORECASE | re.MULTILINE,
    )
    for number, words in _NUMBER_WORDS.items()
}
_BINARY = re.compile(r"бинарн|двухклассов|binary", re.IGNORECASE)
_ONE = re.compile(
    r"\b(?:один|одного|единственн\w{1,5}) класс|\b(?:one|single) class\b|одноклассов|single-class", re.IGNORECASE
)
_RANGE = re.compile(
    rf"(?:{_CLASSES}|цифр|digit)[^\d\n]{{0,40}}?(?<![\d.,])(?P<first>\d{{1,3}}){_TO}(?P<last>\d{{1,3}})(?![\d.,]*\d|\s{{0,3}}%)",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"(?P<number>\d{1,3})\s+(?:[\w-]+\s+){0,2}?(?:изображен|картин|пример|снимк|фото|image|picture|example|sample|photo|prediction|"
    r"предсказан)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,])[-−+]?\d{1,3}(?:[.,]\d+)?\s*%?(?![\w])")


def says(concept: str, text: str) -> bool:
    """Whether a text speaks of a concept, in either language."""
    return _PATTERNS[concept].search(text) is not None


def count(concept: str, text: str) -> int:
    """How often a text speaks of a concept."""
    return len(_PATTERNS[concept].findall(text))


def task_of(text: str) -> str | None:
    """The task that a text speaks of most; None where it names none, or two as often."""
    counts = {task: count(task, text) for task in TASKS}
    most = max(counts.values())
    named = [task for task, number in counts.items() if number == most]
    return named[0] if most and len(named) == 1 else None


def class_counts(text: str) -> list[int]:
    """How many classes a text says that there are, in all places where it says so."""
    found = [int(match["before"] or match["after"] or match["behind"]) for match in _COUNT.finditer(text)]
    found += [number for number, pattern in _COUNT_WORDS.items() if pattern.search(text)]
    return found or ([2] if _BINARY.search(text) else [1] if _ONE.search(text) else [])


def numbered_classes(text: str) -> list[str]:
    """Classes that are called by numbers, as in ``10 classes (0-9)`` or ``digits from 0 to 9``; empty where a text has none."""
    found = list(_RANGE.finditer(text))
    counts = class_counts(text) if found else []
    for match in found:
        first, last = int(match["first"]), int(match["last"])
        if first < last and (not counts or last - first + 1 in counts):
            return [str(number) for number in range(first, last + 1)]
    return []


def without_placeholders(text: str) -> str:
    """A text without the lines in which somebody has left writing for later."""
    return "\n".join(line for line in text.splitlines() if not says("placeholder", line)).strip()


def shown_count(text: str) -> int | None:
    """How many pictures a caption says that a figure holds; None where it does not say."""
    found = _SHOWN.search(text)
    return int(found["number"]) if found else None


def metrics_in(text: str) -> dict[str, str]:
    """Metrics that a text names -> the text that follows the name, up to the next name."""
    text = " ".join(text[:_LONGEST].split())  # between many spaces the patterns would look for very long
    taken: list[tuple[int, int, str]] = []
    for name, pattern in METRICS.items():
        for match in pattern.finditer(text):
            if all(match.end() <= start or match.start() >= end for start, end, _ in taken):
                taken.append((match.start(), match.end(), name))
    taken.sort()
    ends = [*(start for start, _, _ in taken[1:]), len(text)][: len(taken)]
    found: dict[str, str] = {}
    for (_, start, name), end in zip(taken, ends, strict=True):
        # A value is worth more than one more mention.
        if name not in found or (not has_number(found[name]) and has_number(text[start:end])):
            found[name] = text[start:end]
    return found


_COLUMNS = {"p": "precision", "r": "recall"}


def metrics_of_column(cell: str) -> list[str]:
    """Metrics that the head of a column names; Ultralytics calls two of them ``P`` and ``R``, after ``Box(``."""
    letter = re.sub(r"^(box|mask)\s*\(?|[()]", "", cell.strip().casefold()).strip()
    return [_COLUMNS[letter]] if letter in _COLUMNS else list(metrics_in(cell))


def has_number(text: str) -> bool:
    """Whether a cell or a sentence holds a number, with a decimal comma or point."""
    return _NUMBER.search(text.replace("\u00a0", " ")) is not None


def similar(name: str, other: str) -> float:
    """How alike two names are, 0 to 1, whatever their case."""
    return SequenceMatcher(None, name.casefold(), other.casefold(), autojunk=False).ratio()


_NUMBERED = re.compile(r"^(?P<stem>.*?)[-_ ./#№]*0*(?P<number>\d{0,3})$")
_SHORT = {"hw", "h", "dz", "дз", "hometask", "home", "домашка", "домашнеезадание", "домашняяработа", "дом"}


def homework_number(branch: str) -> int | None:
    """The number of the homework that a branch is meant for, by a name like ``homework_<n>``; None for other branches.

    A branch without a number counts as the first one.
    """
    found = _NUMBERED.match(branch.rsplit("/", 1)[-1])
    if found is None:
        return None
    stem = re.sub(r"[^\w]|_|\d", "", found["stem"].casefold())
    if (stem in _SHORT and found["number"]) or similar(stem, "homework") >= 0.75:
        return int(found["number"] or 1)
    return None


_NAME_WORD = r"[А-ЯЁA-Z][а-яёa-zА-ЯЁ'’-]{1,40}"
_FULL_NAME = re.compile(rf"{_NAME_WORD}(?:[ \t\u00a0]+(?:{_NAME_WORD}|[А-ЯЁA-Z]\.)){{1,3}}")
_PATRONYMIC = re.compile(r"(?:ович|евич|ьич|овна|евна|ична|инична|оглы|кызы)(?!\w)", re.IGNORECASE)
_NO_NAME = re.compile(
    r"vision|learning|deep|machine|neural|network|data|set|homework|course|readme|detection|segmentation|classification|colab|kaggle|"
    r"google|python|pytorch|fashion|street|view|open|images|зрени|обучени|сет[ьи]|данн|задани|работ|датасет|курс|предмет|задач|"
    r"студент|автор|университет|institute|university|faculty|факультет|институт|кафедр|имя|фамилия|отчество|name",
    re.IGNORECASE,
)


def full_names(text: str) -> list[str]:
    """Two or more capitalised words that may be the name of a person."""
    return [match[0] for match in _FULL_NAME.finditer(text) if not _NO_NAME.search(match[0])]


_INITIALS = re.compile(
    rf"(?<!\w)(?:{_NAME_WORD}[ \t\u00a0]+(?:[А-ЯЁA-Z]\.[ \t\u00a0]*){{1,2}}|(?:[А-ЯЁA-Z]\.[ \t\u00a0]*){{1,2}}{_NAME_WORD})"
)


def is_full(name: str) -> bool:
    """Whether two words of a name are written out."""
    return len([word for word in name.split() if not word.endswith(".")]) >= 2


def with_initials(text: str) -> str | None:
    """A name of which only one word is written out, as in ``Петрова А. С.``; None where a text has none."""
    found = _INITIALS.search(text)
    return found[0].strip() if found and not _NO_NAME.search(found[0]) else None


def is_patronymic(name: str) -> bool:
    """Whether a name holds a patronymic, which little else ends like."""
    return _PATRONYMIC.search(name) is not None
