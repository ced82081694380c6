"""Find links of a folder of pages that lead nowhere, those between languages among them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["broken_links"]


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in ("id", "name") and value:
                self.ids.add(value)
            if key in ("href", "src") and value and tag != "base":
                self.links.add(value)


def broken_links(folder: Path) -> Iterator[str]:
    """Yield ``page: link`` for each link to a file or a heading that is not there."""
    paths = [path.resolve() for path in sorted(folder.rglob("*.html")) if path.name != "try.html"]
    pages = {path: _Page(path.read_text("utf-8")) for path in paths}
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            missing = target in pages and anchor and anchor not in pages[target].ids
            if not target.exists() or missing:
                yield f"{path.relative_to(folder.resolve())}: {link}"


if __name__ == "__main__":
    broken = list(broken_links(Path(sys.argv[1])))
    print("".join(f"{line}\n" for line in broken), end="")
    sys.exit(bool(broken))
