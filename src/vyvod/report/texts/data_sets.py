"""What data sets of this program say of themselves, in Russian. A test holds the English sentences against the data sets."""

_NUCLEI = (
    "All 16 tiles are cut from one picture: train is its left half, val the third column, test the last one. Training and test "
    "share no nucleus; val shares divided nuclei with both. The values do not tell how a network does on other pictures."
)
_TREES = (
    "All tiles are cut from four pictures: test is the right edge of each, val is drawn from the rest. Tiles do not overlap, but "
    "neighbours touch and share the crowns at the cut. The values do not tell how a network does on other forests."
)
_CAMVID_VAL = (
    "val is the last frames of each training sequence, not a draw: neighbouring frames are nearly alike. Those at the cut "
    "still have a neighbour in train."
)

RUSSIAN: dict[str, str] = {
    _NUCLEI: "Все 16 фрагментов вырезаны из одного снимка: train — его левая половина, val — третий столбец, test — последний. "
    "Общих ядер у train и test нет; с val у каждой из этих выборок есть общие ядра, разрезанные границей. Значения метрик "
    "не показывают, как сеть справится с другими снимками.",
    _TREES: "Все фрагменты вырезаны из четырёх снимков: test — правый край каждого, val взята из остальных. Фрагменты не "
    "перекрываются, но соседние соприкасаются, и кроны на их границе есть в обоих. Значения метрик не показывают, как сеть "
    "справится с другими лесами.",
    _CAMVID_VAL: "val — последние кадры каждой обучающей последовательности, а не случайная часть: соседние кадры почти "
    "одинаковы. У кадров на границе сосед всё же есть в train.",
    "There is no test.txt: the published val is test here, and its values compare with no published ones.": "Файла test.txt нет: "
    "в роли test использована опубликованная val, и значения на ней нельзя сравнивать с опубликованными.",
    "pixels CC0 1.0; labels BSD 3-clause, Uwe Schmidt and Martin Weigert (stardist)": "изображения CC0 1.0; разметка "
    "BSD 3-clause, Uwe Schmidt и Martin Weigert (stardist)",
    "MIT, Ben Weinstein (deepforest); pixels are open data of NEON": "MIT, Ben Weinstein (deepforest); изображения — открытые "
    "данные NEON",
}
"""English -> Russian. Sentences with numbers or names in them are not here, and stay English."""
