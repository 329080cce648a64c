"""Mistakes that a user can make and cure. Everything else is a defect of ours and keeps its traceback."""


class UserError(Exception):
    """A mistake with a cure: its text says what came, what was expected and how to mend it. Exit code 2."""


class SettingsError(UserError):
    """The settings contain unknown keys, wrong values or contradictions; the text lists all of them."""


class DataError(UserError):
    """Images or targets are missing, unreadable or make no sense for the task."""


class WeightsError(UserError):
    """A file of weights is missing, truncated, hostile or belongs to another network."""


class RunError(UserError):
    """A run folder is missing, in use, read-only, or from another kind of run."""


class TrainingError(UserError):
    """The training cannot go on: the loss is not finite, or the memory is not enough."""
