"""Whether the user is logged in to Weights & Biases: found out from files and variables, without network or prompt."""

import configparser
import netrc
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

_HOSTS = ("api.wandb.ai", "api.forge.coreweave.com")
"""Both are the same service, under its name before 2026 and after."""


def logged_in() -> bool:
    """True where W&B's own rules find a key: a variable, or the netrc entry that ``wandb login`` writes."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    try:
        known = netrc.netrc(_netrc_file()).hosts
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return False
    return any(host in known and known[host][2] for host in _hosts())


def _netrc_file() -> Path:
    named = os.environ.get("NETRC")
    places = [Path(name).expanduser() for name in ([named] if named else ["~/.netrc", "~/_netrc"])]
    return next((place for place in places if place.exists()), places[0])


def _hosts() -> tuple[str, ...]:
    # A company's own server: `wandb login --host=...` writes it into this file.
    folder = Path(os.environ.get("WANDB_CONFIG_DIR") or "~/.config/wandb").expanduser()
    settings = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, UnicodeDecodeError):
        settings.read(folder / "settings", encoding="utf-8")
    server = os.environ.get("WANDB_BASE_URL") or settings.get("default", "base_url", fallback=None)
    own = urlsplit(server).netloc if server else ""
    return (own,) if own and own not in _HOSTS else _HOSTS
