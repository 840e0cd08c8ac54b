"""The pages under ``docs/reference/``, as the code's own schemas give them.

``make docs`` runs this module to write them; ``test_reference.py`` compares them.
"""

from pathlib import Path

from daemon import reference

PAGES = Path(__file__).parents[2] / "docs" / "reference"
KINDS = ("events", "actions", "config", "commands")


def main() -> None:
    """Write every page that differs, and name it."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        page, text = PAGES / f"{kind}.md", reference.render(kind)
        if not page.exists() or page.read_text() != text:
            page.write_text(text)
            print(f"docs/reference/{kind}.md is new")


if __name__ == "__main__":
    main()
