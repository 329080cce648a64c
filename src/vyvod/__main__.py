"""``python -m vyvod`` is the same program as ``vyvod``."""

from vyvod.cli import main

if __name__ == "__main__":
    main()
