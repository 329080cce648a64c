"""What kind of masks a person has: black and white, class numbers, or colours with a table; found out and said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vyvod.data.contract import BACKGROUND, IGNORE, Palette
from vyvod.data.formats.class_tables import ClassTable, read_colours, read_names
from vyvod.data.formats.masks import GREY, ColourMasks, MaskReader, NumberMasks, Stored, colour_codes, rgb_text, stored
from vyvod.errors import DataError

PROBES = 64
"""Masks that are looked at, spread over the splits."""
NAMELESS = 64
"""Up to so many classes may be numbers without names: higher numbers are more likely shades of grey."""
FOREGROUND = "foreground"
_BACKGROUNDS = (BACKGROUND, "bg")
_VOID = ("void", "ignore", "ignored", "unlabelled", "unlabeled")
_BLACK, _WHITE = 0, 255 * GREY
_SMEARED = 256  # more colours than this in one mask are no classes


@dataclass(frozen=True, slots=True)
class Kind:
    """How the masks of a data set are read, and what they hold."""

    read: MaskReader
    classes: tuple[str, ...]
    palette: Palette | None
    """Colour of each class; None: the files have none of their own."""
    notes: tuple[str, ...]
    """What was found, in sentences."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one mask holds."""

    path: Path
    values: frozenset[int]  # stored numbers; none in a mask of colours
    codes: frozenset[int]  # colour codes as a person sees them
    palette: np.ndarray | None  # (256,) colour codes


def recognise(root: Path, keys: Sequence[str], *, on_error: str = "stop") -> Kind:
    """Find out what the masks hold from up to 64 of them, and from a table of classes beside them.

    A class that is called void, ignore or unlabelled does not count; one called background becomes the first.

    Args:
        root: folder of the data set; tables of classes lie in it (`class_tables`).
        keys: paths of the masks relative to ``root``, at least one.
        on_error: ``skip``: masks that cannot be read are passed over here.

    Raises:
        DataError: a mask cannot be read, or what the masks hold is no classes without a table, or not those of the table.
    """
    places = np.unique(np.linspace(0, len(keys) - 1, min(len(keys), PROBES)).round().astype(int))
    looks = list(_looks([root / keys[place] for place in places], on_error))
    judged = f"judged by {len(looks)} of {len(keys)} masks"
    colours, names, codes = read_colours(root), read_names(root), {code for look in looks for code in look.codes}
    if colours is not None and codes <= set(colours.codes):
        return _of_table(root, colours, judged)
    if _mostly_black_and_white(looks):
        return _black_and_white(root, looks, names, colours, judged)
    if _in_colour(looks):
        raise DataError(_unknown_colours(root, looks, colours))
    return _numbers(root, looks, names or colours, judged)


def _looks(paths: Sequence[Path], on_error: str) -> Iterator[_Look]:
    passed_over = 0
    for path in paths:
        try:
            yield _look(path, stored(path))
        except DataError:
            passed_over += 1
            # Where all are unreadable, the first says why.
            if on_error != "skip" or passed_over == len(paths):
                raise


def _look(path: Path, mask: Stored) -> _Look:
    codes = _different(mask.codes())
    palette = None if mask.palette is None else colour_codes(mask.palette)
    if mask.values.ndim == 2:
        return _Look(path, frozenset(np.unique(mask.values).tolist()), codes, palette)
    grey = all(code % GREY == 0 for code in codes)
    return _Look(path, frozenset(code & 255 for code in codes) if grey else frozenset(), codes, palette)


def _different(codes: np.ndarray) -> frozenset[int]:
    # A flag for each of 16 million colours: sorting the pixels takes several times as long.
    flags = np.zeros((1 << 24) + 1, dtype=bool)
    flags[codes] = True  # the last flag is that of -1
    found = np.flatnonzero(flags)
    return frozenset(np.where(found == 1 << 24, -1, found).tolist())


def _in_colour(looks: Iterable[_Look]) -> bool:
    """Whether only the colours tell the classes: RGB files, or palettes of which each orders its colours in its own way."""
    seen: dict[int, int] = {}
    for look in looks:
        if not look.values:
            return True
        own = {} if look.palette is None else {value: int(look.palette[value]) for value in look.values}
        if any(seen.setdefault(value, code) != code for value, code in own.items()):
            return True
    return False


def _mostly_black_and_white(looks: Sequence[_Look]) -> bool:
    """Whether most masks that hold anything are black and white: a few others are faulty, and are refused when they are read."""
    plain = sum(look.codes == {_BLACK, _WHITE} for look in looks)
    return plain > sum(bool(look.codes - {_BLACK, _WHITE}) for look in looks)


def _arranged(names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Background first, void left out.

    Returns:
        classes, and ``(M,)`` int64: the class index of each of the M names, 255 for void.
    """
    plain = [BACKGROUND if _key(name) in _BACKGROUNDS else name for name in names]
    counted = dict.fromkeys(name for name in plain if _key(name) not in _VOID)
    classes = tuple(sorted(counted, key=lambda name: name != BACKGROUND))
    return classes, np.array([classes.index(name) if name in counted else IGNORE for name in plain], dtype=np.int64)


def _key(name: str) -> str:
    return name.casefold().strip("_ ")


def _colours_of(codes: Sequence[int], table: np.ndarray, classes: Sequence[str]) -> Palette:
    """The colour of each class: that of the first of its lines."""
    first = [codes[table.tolist().index(number)] for number in range(len(classes))]
    return [(code >> 16, code >> 8 & 255, code & 255) for code in first]


def _of_table(root: Path, table: ClassTable, judged: str) -> Kind:
    classes, numbers = _arranged(table.names)
    read = ColourMasks(root, np.array(table.codes), numbers, f"one of the {len(table.codes)} colours in {table.path}")
    notes = [f"The masks hold colours; {table.path.name} names {len(classes)} classes ({judged})."]
    return Kind(read, classes, _colours_of(table.codes, numbers, classes), (*notes, *_void_note(table, numbers)))


def _void_note(table: ClassTable | None, numbers: np.ndarray) -> Iterator[str]:
    void = [table.names[place] for place in np.flatnonzero(numbers == IGNORE)] if table is not None else []
    if table is not None and void:
        yield f"Pixels of '{', '.join(void)}' in {table.path.name} do not count."


def _black_and_white(
    root: Path, looks: Sequence[_Look], names: ClassTable | None, colours: ClassTable | None, judged: str
) -> Kind:
    if names is None and colours is not None:
        raise DataError(_unknown_colours(root, looks, colours))
    if names is not None and len(names.names) > 2:
        raise DataError(
            f"{looks[0].path} and the other masks are black and white, but {names.path} names {len(names.names)} classes. "
            "Name the foreground alone or both, or delete the file."
        )
    classes, numbers = _arranged(_two(names))
    read = ColourMasks(root, np.array([_BLACK, _WHITE]), numbers, "black (0) or white (255)")
    note = f"The masks are black and white: 0 is {_two(names)[0]}, 255 is {_two(names)[1]} ({judged})."
    return Kind(read, classes, None, (note,))


def _two(names: ClassTable | None) -> tuple[str, ...]:
    if names is None:
        return BACKGROUND, FOREGROUND
    return names.names if len(names.names) > 1 else (BACKGROUND, *names.names)


def _numbers(root: Path, looks: Sequence[_Look], table: ClassTable | None, judged: str) -> Kind:
    values = {value for look in looks for value in look.values}
    counted = values - {IGNORE}
    if max(counted, default=0) <= 1 and (table is None or len(table.names) <= 2):
        names = _two(table)
    else:
        names = table.names if table is not None else tuple(f"class {number}" for number in range(max(counted) + 1))
    _check_numbers(root, looks, table, len(names))
    if len(counted) < 2 and table is None:
        raise DataError(f"The masks in {root} hold nothing but {_listed(values)}: there is nothing to tell apart.")
    classes, numbers = _arranged(names)
    lookup = np.full(256, -1, dtype=np.int64)
    lookup[: len(names)], lookup[IGNORE] = numbers, IGNORE
    source = f"the numbers 0 to {len(names) - 1}, or 255 for what does not count"
    read = NumberMasks(root, lookup, source if table is None else f"{source} ({table.path})")
    palette = _own_palette(looks, table, numbers, classes)
    return Kind(read, classes, palette, tuple(_number_notes(values, names, table, numbers, judged)))


def _check_numbers(root: Path, looks: Sequence[_Look], table: ClassTable | None, count: int) -> None:
    allowed = min(count, IGNORE) if table is not None else min(count, NAMELESS)
    for look in looks:
        wrong = sorted(value for value in look.values if value >= allowed and value != IGNORE)
        if wrong and table is not None:
            raise DataError(
                f"{look.path} holds the numbers {_listed(wrong)}, but {table.path} names {count} classes, 0 to {count - 1}. "
                "Mend the mask, or the table of classes."
            )
        if wrong:
            raise DataError(_nameless(root, look.path, wrong))


def _nameless(root: Path, path: Path, wrong: Sequence[int]) -> str:
    return (
        f"{path} holds the numbers {_listed(wrong)}; class numbers without names are expected to be 0 to {NAMELESS - 1}, or "
        f"255 for what does not count. For shades of grey write {root / 'classes.csv'} with a line name,r,g,b for each, such as "
        f"road,128,128,128; for class numbers {root / 'classes.txt'} with a name in each line. Masks that were smoothed have to "
        "be made anew."
    )


def _own_palette(
    looks: Iterable[_Look], table: ClassTable | None, numbers: np.ndarray, classes: Sequence[str]
) -> Palette | None:
    if table is not None and table.codes:
        return _colours_of(table.codes, numbers, classes)
    for look in looks:
        if look.palette is not None:
            colours = _colours_of(look.palette[: len(numbers)].tolist(), numbers, classes)
            # A palette that stops short, or is all black, is none.
            return colours if len(set(colours)) == len(classes) else None
    return None


def _number_notes(
    values: set[int], names: Sequence[str], table: ClassTable | None, numbers: np.ndarray, judged: str
) -> Iterator[str]:
    named = "names are missing: classes.txt gives them" if table is None else f"named by {table.path.name}"
    if table is None and len(names) == 2:
        named = f"0 is {names[0]}, 1 is {names[1]}"
    yield f"The masks hold class numbers 0 to {len(names) - 1}; {named} ({judged})."
    if IGNORE in values:
        yield "Pixels of the value 255 do not count."
    unseen = sorted(set(range(len(names))) - values)
    if unseen:
        yield f"Not seen in these masks: the numbers {_listed(unseen)}."
    yield from _void_note(table, numbers)


def _listed(values: Iterable[int]) -> str:
    ordered = sorted(values)
    return ", ".join(map(str, ordered[:10])) + (", ..." if len(ordered) > 10 else "")


def _unknown_colours(root: Path, looks: Sequence[_Look], table: ClassTable | None) -> str:
    known = set(table.codes) if table is not None else set()
    # Without a table the mask with the most colours says most.
    look = max(looks, key=lambda look: len(look.codes - known))
    wrong = sorted(look.codes - known)
    if len(wrong) > _SMEARED:
        return f"{look.path} holds {len(wrong)} colours: it was smoothed, or it is a photo. Make the masks anew as PNG."
    shown = "; ".join(map(rgb_text, wrong[:10])) + ("; ..." if len(wrong) > 10 else "")
    if table is not None:
        return f"{look.path} holds the colours {shown}, which are not in {table.path}. Add them, or mend the mask."
    return (
        f"The masks are in colour ({look.path} holds {shown}), and nothing says which class a colour is. Write "
        f"{root / 'classes.csv'} with a line for each colour: name,r,g,b, such as road,128,64,128."
    )
