"""Somebody without a mouse: goes by Tab, arrows and keys, and has to see where the focus is."""

import re
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Locator, Page, expect

Role = Literal[
    "button",
    "checkbox",
    "combobox",
    "link",
    "menuitem",
    "radio",
    "row",
    "searchbox",
    "spinbutton",
    "textbox",
    "treeitem",
]
MOST_STOPS = 150
# Focused, drawn around, and on the screen: not covered by a head or a tray that stays.
_SEEN = """(element) => {
  const box = element.getBoundingClientRect();
  // An item of a tree holds its branch; the line is around its own name.
  const drawn = [element, element.querySelector(":scope > .branch")].some((each) => {
    const style = each && getComputedStyle(each);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const beside = box.right <= 0 || box.left >= innerWidth;
  const inside = box.bottom > 0 && box.top < innerHeight && !beside;
  const what = `${element.outerHTML.slice(0, 200)} drawn: ${drawn}, inside: ${inside}`;
  return drawn && inside ? "" : what;
}"""
_IS_FOCUSED = "(element) => element === document.activeElement"


@dataclass(frozen=True)
class Keyboard:
    """A page and the keys to work it; nothing here clicks, and nothing focuses but keys."""

    page: Page

    def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """A text into whatever has the focus, in place of what it held."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def go(
        self,
        role: Role,
        name: str | re.Pattern[str],
        *,
        within: str = "body",
        back: bool = False,
    ) -> Locator:
        """Tab until something of this name has the focus, and can be seen to have it."""
        wanted = self.page.locator(within).get_by_role(role, name=name, exact=True).first
        for _ in range(MOST_STOPS):
            if wanted.evaluate(_IS_FOCUSED):
                self.see(wanted)
                return wanted
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{MOST_STOPS} times Tab does not reach {role} {name!r}")

    def use(
        self,
        role: Role,
        name: str | re.Pattern[str],
        *,
        within: str = "body",
        back: bool = False,
    ) -> None:
        """Go there and press Enter."""
        self.go(role, name, within=within, back=back)
        self.page.keyboard.press("Enter")

    def send(self) -> None:
        """Press Enter and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def write(
        self, name: str, text: str, role: Role = "textbox", *, within: str = "body"
    ) -> None:
        """Go to a field and fill it in."""
        self.go(role, name, within=within)
        self.type(text)

    def unfold(self, selector: str) -> None:
        """Tab to the summary of something folded, and open it."""
        wanted = self.page.locator(selector).first
        for _ in range(MOST_STOPS):
            if wanted.evaluate(_IS_FOCUSED):
                self.see(wanted)
                self.page.keyboard.press("Enter")
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{MOST_STOPS} times Tab does not reach {selector}")

    def choose(self, menu: str, item: str) -> None:
        """Open a menu of the toolbar and take an item of it."""
        self.use("button", menu)
        entry = self.page.get_by_role("menuitem", name=item)
        expect(self.page.get_by_role("menuitem").first).to_be_focused()
        for _ in range(10):
            if entry.evaluate(_IS_FOCUSED):
                self.see(entry)
                self.page.keyboard.press("Enter")
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"arrows do not reach {item!r}")

    def row(self, name: str) -> Locator:
        """Go to a row of a folder: Tab to the rows, then arrows."""
        grid = self.page.locator("#rows")
        wanted = grid.locator("tr").filter(has=self.page.locator(f"bdi:text-is({name!r})"))
        expect(wanted).to_be_visible()
        for _ in range(MOST_STOPS):
            if grid.evaluate("(element) => element.contains(document.activeElement)"):
                break
            self.page.keyboard.press("Tab")
        self.page.keyboard.press("Home")
        for _ in range(MOST_STOPS):
            if wanted.evaluate(_IS_FOCUSED):
                self.see(wanted)
                return wanted
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"arrows do not reach the row {name!r}")

    def see(self, element: Locator) -> None:
        """Fails unless the focus is drawn around the element, on the screen."""
        assert element.evaluate(_SEEN) == ""

    def toast(self, text: str) -> None:
        """Wait for a message."""
        expect(self.page.locator(".toast").filter(has_text=text).last).to_be_visible()

    def dialog(self) -> Locator:
        """The dialog that is open; the focus is in it."""
        opened = self.page.get_by_role("dialog")
        expect(opened).to_be_visible()
        expect(opened.locator(":focus")).to_have_count(1)
        return opened
