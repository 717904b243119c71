"""Pictures of every page and state, in both themes and two widths, into docs/screenshots/.

Run from the tree: `python tools/screenshots.py [NAME...]`; a NAME takes only the pictures that
begin with it. It starts a server of its own, with people and groups as they might be, and
needs Debian's Chromium and pngquant. Pages of other families add their states to STATES.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
from astropy.io import fits
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.space import SpaceServer
from tests.web.browsing import CHROMIUM, CHROMIUM_ARGUMENTS
from tests.web.site import PASSWORD, Person, WebSite, open_site
from vospace_server.domain.group import GroupChange
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import NewUser
from vospace_server.services.invitations import InvitationService

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
THEMES = ("light", "dark")
WIDTHS = {"wide": 1440, "narrow": 375}
MAIN = {"home", "login", "groups", "group", "account", "jobs", "admin-users"}
# What no page of ours may weigh, so that the pictures stay light in the repository.
MOST_BYTES = 150_000
SETTINGS = '[web]\nregistration = "approval"\n'
GROUP = "/groups/show/HST-RO"


@dataclass(frozen=True, kw_only=True)
class State:
    """A page as somebody sees it, after what they did on it."""

    name: str
    path: str
    who: str | None = "durand"
    act: Callable[[Page], None] = lambda _page: None


def fill_wrong_login(page: Page) -> None:
    """A login that fails."""
    page.fill("#username", "durand")
    page.fill("#password", "not this")
    page.locator("main button.primary").click()
    page.wait_for_selector("[role=alert]")


def open_nested(page: Page) -> None:
    """A group in a group, shown in place."""
    page.locator("th summary").first.click()
    page.wait_for_selector(".nested .people")


def remove_somebody(page: Page) -> None:
    """The message that takes it back."""
    page.get_by_role("button", name="Remove dupont").click()
    page.wait_for_selector(".toast")
    page.get_by_role("button", name="Undo").focus()


def paste(page: Page) -> None:
    """A list with good and bad lines."""
    page.get_by_label("One in a line").fill("dupont\nnobody\nann@example.org\nCN=Ann,C=ca")
    page.get_by_role("button", name="Add").click()
    page.wait_for_selector("#report")


def invite(page: Page) -> None:
    """A link, shown once."""
    page.get_by_text("Invite by link").click()
    page.get_by_role("button", name="Make the link").click()
    page.wait_for_selector(".banner.good")


def make_token(page: Page) -> None:
    """A token, shown once."""
    page.get_by_label("What for").fill("night pipeline")
    page.get_by_role("button", name="Make").click()
    page.wait_for_selector(".banner.good")


def open_sheet(page: Page) -> None:
    """The shortcuts."""
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")


def ask_to_revoke(page: Page) -> None:
    """A question before a deed."""
    page.get_by_role("button", name="Revoke").first.click()
    page.wait_for_selector("dialog[open]")


def select_some(page: Page) -> None:
    """Some rows picked."""
    page.wait_for_selector("#files.windowed")
    for name in ("hst-refer", "notes.txt"):
        page.get_by_role("checkbox", name=f"Select {name}").check()


def open_new_menu(page: Page) -> None:
    """What can be made."""
    page.wait_for_selector("#files.windowed")
    page.get_by_role("button", name="New").click()


def show_fits(page: Page) -> None:
    """A look into a FITS file."""
    page.wait_for_selector("canvas[data-drawn]")
    page.get_by_label("Stretch").select_option("asinh")
    page.wait_for_selector("canvas[data-drawn^=asinh]")
    page.locator(".sky").scroll_into_view_if_needed()


def show_properties(page: Page) -> None:
    """The panel of a text."""
    page.wait_for_selector("#panel pre")


def show_jobs(page: Page) -> None:
    """The jobs of a folder."""
    page.locator(".node-jobs").scroll_into_view_if_needed()


def move_something(page: Page) -> None:
    """The tree to move to."""
    select_some(page)
    page.keyboard.press("m")
    page.wait_for_selector("[role=tree] [tabindex='0']")


def edit_permissions(page: Page) -> None:
    """The editor, with the explanation open."""
    page.wait_for_selector("#files.windowed")
    page.get_by_role("checkbox", name="Select hst-refer").check()
    page.keyboard.press("p")
    page.get_by_text("Explain access").click()
    page.wait_for_selector(".verdicts")


def delete_something(page: Page) -> None:
    """The message that takes it back."""
    page.wait_for_selector("#files.windowed")
    if not page.locator("tr[data-name=scratch]").count():
        page.keyboard.press("n")
        page.get_by_label("Name of the folder").fill("scratch")
        page.keyboard.press("Enter")
    page.get_by_role("checkbox", name="Select scratch").check()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").focus()


def upload_some(page: Page) -> None:
    """Uploads on their way, one of which has failed."""
    page.wait_for_selector("#files.windowed")
    page.route(
        "**/vault/files/**",
        lambda route: (
            route.fulfill(status=409, body="NodeBusy: somebody is writing to it")
            if "n03" in route.request.url
            else None
        ),
    )
    files: list[FilePayload] = [
        {"name": f"n{n:02}.fits", "mimeType": "", "buffer": b"x" * 90_000} for n in range(24)
    ]
    page.locator("#pick-files").set_input_files(files)
    page.get_by_text("somebody is writing to it").wait_for()


def choose_french(page: Page) -> None:
    """The menu of appearance and language, in French."""
    page.get_by_role("button", name="Appearance and language").click()
    page.get_by_role("button", name="Français").click()
    page.get_by_role("button", name="Apparence et langue").click()
    page.wait_for_selector("#preferences:popover-open")


STATES = (
    State(name="home", path="/", who=None),
    State(name="home-member", path="/"),
    State(name="about", path="/about", who=None),
    State(name="login", path="/login", who=None),
    State(name="login-wrong", path="/login", who=None, act=fill_wrong_login),
    State(name="register", path="/register", who=None),
    State(name="menu-french", path="/groups", act=choose_french),
    State(name="shortcuts", path="/groups", act=open_sheet),
    State(name="not-found", path="/nowhere", who=None),
    State(name="forbidden", path="/groups/show/HST-STAFF", who="dupont"),
    State(name="storage", path="/storage/list/durand/data"),
    State(name="storage-selected", path="/storage/list/durand/data", act=select_some),
    State(name="storage-menu", path="/storage/list/durand/data", act=open_new_menu),
    State(name="storage-fits", path="/storage/list/durand/data?open=m51.fits", act=show_fits),
    State(
        name="storage-details",
        path="/storage/list/durand/data?open=notes.txt",
        act=show_properties,
    ),
    State(
        name="storage-jobs",
        path="/storage/list/durand/data/hst-refer?open=jref",
        act=show_jobs,
    ),
    State(name="storage-move", path="/storage/list/durand/data", act=move_something),
    State(name="storage-permissions", path="/storage/list/durand/data", act=edit_permissions),
    State(name="storage-deleted", path="/storage/list/durand/data", act=delete_something),
    State(name="storage-uploads", path="/storage/list/durand/data", act=upload_some),
    State(name="storage-empty", path="/storage/list/durand/empty"),
    State(name="storage-hidden", path="/storage/list/surveys", who="dupont"),
    State(name="storage-trash", path="/storage/trash"),
    State(name="groups", path="/groups"),
    State(name="groups-empty", path="/groups/administered", who="dupont"),
    State(name="groups-find", path="/groups/find?text=hst"),
    State(name="groups-help", path="/groups/help"),
    State(name="group-new", path="/groups/new"),
    State(name="group", path=GROUP),
    State(name="group-nested", path=GROUP, act=open_nested),
    State(name="group-removed", path="/groups/show/CFHT", act=remove_somebody),
    State(name="group-edit", path=f"{GROUP}/edit"),
    State(name="group-use", path=f"{GROUP}/use"),
    State(name="group-history", path=f"{GROUP}/history"),
    State(name="group-pasted", path="/groups/show/PASTED/bulk", act=paste),
    State(name="group-invited", path=GROUP, act=invite),
    State(name="group-delete", path=f"{GROUP}/delete"),
    State(name="account", path="/account"),
    State(name="account-token", path="/account", act=make_token),
    State(name="account-revoke", path="/account", act=ask_to_revoke),
    State(name="jobs", path="/jobs"),
    State(name="jobs-empty", path="/jobs", who="dupont"),
    State(name="admin-users", path="/admin/users", who="operator"),
    State(name="admin-user", path="/admin/users/show/durand", who="operator"),
    State(name="admin-allocations", path="/admin/allocations", who="operator"),
    State(name="admin-state", path="/admin/state", who="operator"),
    State(name="admin-health", path="/admin/health", who="operator"),
)


def furnish(site: WebSite) -> dict[str, Person]:
    """People, groups and work as a survey might have them."""
    people = {}
    for name, is_admin, names in (
        ("durand", False, ["CN=Daniel Durand,OU=hia.nrc.ca,O=Grid,C=CA"]),
        ("dupont", False, []),
        ("tremblay", False, ["CN=Lise Tremblay,O=Grid,C=CA"]),
        ("operator", True, []),
    ):
        new = NewUser(
            name=name, password=PASSWORD, is_admin=is_admin, distinguished_names=names
        )
        user = site.accounts.add(new, by=OPERATOR)
        people[name] = Person(user_id=user.user_id, name=name, is_admin=is_admin)
    waiting = NewUser(name="newcomer", password=PASSWORD, waiting=True)
    site.accounts.add(waiting, by=OPERATOR)
    furnish_groups(site, people["durand"])
    site.allocate("durand", people["durand"], quota_bytes=20 << 30)
    site.grant("durand", "HST-RO")
    furnish_storage(site, people["durand"])
    site.allocate("surveys", people["tremblay"], quota_bytes=2 << 40)
    site.new_job(people["durand"], "durand/data/hst-refer/jref")
    stopped = site.new_job(people["durand"], "durand/data/iref.tar")
    site.jobs.abort(people["durand"].identity, stopped)
    site.accounts.make_token(
        "durand",
        scope=TokenScope.READ,
        lifetime=timedelta(days=90),
        label="mountvofs on the cluster",
        by=OPERATOR,
    )
    return people


def furnish_storage(site: WebSite, durand: Person) -> None:
    """Folders and files as of a night."""
    headers = {"Authorization": f"Bearer {site.new_token(durand)}"}
    with httpx.Client(base_url=site.url, headers=headers, timeout=30) as client:
        for folder in (
            "empty",
            "data",
            "data/hst-refer",
            "data/hst-refer/jref",
            "data/scratch",
        ):
            client.put(f"/api/v1/details/durand/{folder}", json={"type": "container"})
        for name, content in (
            ("notes.txt", b"Seeing 0.7 arcsec, clear.\nFocus at 01:20.\n"),
            ("m51.fits", galaxy()),
            ("hst-refer/jref/bias.fits", bytes(4_200_000)),
            ("hst-refer/jref/dark.fits", bytes(7_300_000)),
        ):
            client.put(f"/vault/files/durand/data/{name}", content=content)
        client.put(
            "/api/v1/details/durand/data/archive",
            json={"type": "link", "target": "https://www.cadc-ccda.hia-iha.nrc-cnrc.gc.ca/"},
        )
        client.patch("/api/v1/nodes/durand/data/notes.txt", json={"public": True})
        client.patch(
            "/api/v1/nodes/durand/data/hst-refer",
            json={"read_groups": ["ivo://localhost/gms?HST-RO"], "inherit": True},
        )


def galaxy() -> bytes:
    """A picture of something that turns."""
    rows, columns = np.mgrid[:240, :320]
    x, y = columns - 160.0, (rows - 120.0) * 1.4
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    arms = 1 + np.cos(2 * angle - radius / 11)
    image = 900 * np.exp(-radius / 9) + 160 * arms * np.exp(-radius / 48)
    image += np.random.default_rng(51).normal(100, 6, image.shape)
    primary = fits.PrimaryHDU(image.astype("f4"))
    for key, value in (
        ("OBJECT", "M 51"), ("CTYPE1", "RA---TAN"), ("CTYPE2", "DEC--TAN"),
        ("CRPIX1", 160.0), ("CRPIX2", 120.0), ("CRVAL1", 202.4696), ("CRVAL2", 47.1952),
        ("CDELT1", -6e-4), ("CDELT2", 6e-4),
    ):  # fmt: skip
        primary.header[key] = value
    file = io.BytesIO()
    primary.writeto(file)
    return file.getvalue()


def furnish_groups(site: WebSite, durand: Person) -> None:
    """HST-RO with everything, and some others."""
    by = durand.identity
    for name, description in (
        ("HST-STAFF", "Everybody at the HST desk"),
        ("HST-RO", "Read access to the HST reference files\nand to everything below them"),
        ("CFHT", "MegaCam and SITELLE"),
        ("PASTED", ""),
    ):
        site.groups.add(name, owner="durand", description=description, by=by)
    for member in (
        "tremblay",
        "CN=Ann Other,OU=hia.nrc.ca,O=Grid,C=CA",
        "jane.doe@example.org",
        "ivo://localhost/gms?HST-STAFF",
    ):
        site.groups.add_member("HST-RO", member, expires=None, by=by)
    site.groups.add_member("HST-STAFF", "tremblay", expires=None, by=by)
    for group in ("CFHT", "HST-STAFF"):
        site.groups.add_member(group, "durand", expires=None, by=by)
    site.groups.add_member("CFHT", "dupont", expires=None, by=by)
    site.groups.add_admin("HST-RO", "tremblay", by=by)
    site.groups.add_admin("HST-RO", "ivo://localhost/gms?HST-STAFF", by=by)
    site.groups.set_access("HST-RO", public=False, readers=["CFHT"], by=by)


def tidy(site: WebSite) -> None:
    """Takes back what the pictures before have done."""
    for token in site.accounts.tokens("durand"):
        if token.label == "night pipeline" and not token.revoked:
            site.accounts.revoke_token("durand", token.token_id, by=OPERATOR)
    present = [member.value for member in site.groups.get("CFHT").members]
    if "dupont" not in present:
        site.groups.add_member("CFHT", "dupont", expires=None, by=OPERATOR)
    site.groups.change("PASTED", GroupChange(members=()), by=OPERATOR)
    invitations = InvitationService(
        database=site.database, groups=site.groups, identify=lambda _name, _scope: OPERATOR
    )
    for invitation in invitations.open_of("HST-RO", by=OPERATOR):
        invitations.withdraw("HST-RO", invitation.invitation_id, by=OPERATOR)


def context_for(
    browser: Browser, site: WebSite, cookie: str | None, theme: str, width: int
) -> BrowserContext:
    """A browser with this cookie, of this theme and width."""
    context = browser.new_context(
        base_url=site.url,
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
        locale="en-CA",
    )
    if cookie is not None:
        context.add_cookies([{"name": "vospace", "value": cookie, "url": site.url}])
    return context


def take(browser: Browser, site: WebSite, cookies: dict[str, str], state: State) -> None:
    """All pictures of one state."""
    cookie = cookies[state.who] if state.who else None
    for theme, label in looks_of(state):
        context = context_for(browser, site, cookie, theme, WIDTHS[label])
        page = context.new_page()
        page.goto(state.path)
        # A folder is shown by the server first, and then taken over by its module.
        if page.locator("[data-browser]").count():
            page.wait_for_selector("#files.windowed")
        state.act(page)
        target = FOLDER / f"{state.name}-{theme}-{label}.png"
        page.screenshot(path=target, full_page=not page.locator("dialog[open]").count())
        context.close()
        shrink(target)
        weigh(target)
        tidy(site)


def looks_of(state: State) -> list[tuple[str, str]]:
    """Themes and widths: all of them for pages, one of each for what happens on a page."""
    if state.name in MAIN or state.name.startswith("storage"):
        return [(theme, label) for theme in THEMES for label in WIDTHS]
    return list(zip(THEMES, WIDTHS, strict=True))


def shrink(picture: Path) -> None:
    """As many colours as a screen of ours needs, which is a third of the bytes."""
    words = ["pngquant", "--force", "--skip-if-larger", "--strip", "64", "--output"]
    done = subprocess.run([*words, str(picture), str(picture)], check=False)
    # 98: it would have become larger, and stays what it is.
    if done.returncode not in {0, 98}:
        raise SystemExit(f"pngquant failed on {picture.name}; is it installed?")


def weigh(picture: Path) -> None:
    """Fails for a picture that is too heavy to be kept."""
    size = picture.stat().st_size
    print(f"{size:>8} {picture.name}", flush=True)
    if size > MOST_BYTES:
        raise SystemExit(f"{picture.name} has {size} bytes, more than {MOST_BYTES}")


def main(names: list[str]) -> None:
    """Takes the pictures whose names begin with any of `names`, or all."""
    wanted = [s for s in STATES if not names or s.name.startswith(tuple(names))]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Path(folder) / "server.toml"
        settings.write_text(SETTINGS)
        data_dir = Path(folder) / "data"
        server = SpaceServer(data_dir=data_dir, arguments=["--config", str(settings)])
        with server, open_site(server, f"sqlite:///{data_dir / 'vospace.sqlite'}") as site:
            people = furnish(site)
            cookies = {name: site.new_cookie(person) for name, person in people.items()}
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS)
            )
            for state in wanted:
                take(browser, site, cookies, state)
            browser.close()
    total = sum(each.stat().st_size for each in FOLDER.glob("*.png"))
    print(f"{total:>8} in all")


if __name__ == "__main__":
    main(sys.argv[1:])
