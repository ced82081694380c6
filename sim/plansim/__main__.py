"""``python -m plansim`` is the command ``plansim``, also where the command is on no path."""

from __future__ import annotations

from plansim.cli.entry import main

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(main())
