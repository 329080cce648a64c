"""Where the pages of a repository on GitHub open in Colab and Kaggle."""

import re
from urllib.parse import quote

_GITHUB = re.compile(
    r"(?:(?:https?|git|ssh|git\+ssh)://(?:[^/#?\\]*@)?(?:www\.)?github\.com(?::\d+)?/|(?:[^/@:]+@)?github\.com:/?)"
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]*)/(?P<name>[A-Za-z0-9._-]+?)(?:\.git)?/?",
    re.IGNORECASE,
)


def github(address: str | None) -> str | None:
    """``owner/name`` of a repository on GitHub, from any form of its address, without user and token; None elsewhere."""
    found = _GITHUB.fullmatch((address or "").strip())
    if found is None or found["name"] in (".", ".."):
        return None
    return f"{found['owner']}/{found['name']}"


def colab_link(address: str | None, branch: str | None, path: str) -> str | None:
    """Where Colab opens a notebook of a repository; None where it is not on GitHub."""
    page = _page(address, branch, path)
    return page and f"https://colab.research.google.com/github/{page}"


def kaggle_link(address: str | None, branch: str | None, path: str) -> str | None:
    """Where Kaggle opens a notebook of a repository; None where it is not on GitHub."""
    page = _page(address, branch, path)
    return page and f"https://kaggle.com/kernels/welcome?src=https://github.com/{page}"


def _page(address: str | None, branch: str | None, path: str) -> str | None:
    owner = github(address)
    return f"{owner}/blob/{quote(branch)}/{quote(path)}" if owner and branch else None
