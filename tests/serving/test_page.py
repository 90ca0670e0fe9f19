"""The page in a real browser: headless Chromium looks, points, clicks, reloads, stalls and comes back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.recorder import RecorderStatus
from rgbd_seg.pipeline.status import State, Status
from rgbd_seg.serving.server import LiveServer
from tests.serving.clients import foxglove, next_message, publishing, subscribe, wait_until
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = (240, 320)


class Desk:
    """Whoever publishes, with a recorder that is a light switch."""

    name = "A test's camera"
    note = ""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.state, self.message = State.RUNNING, ""

    def status(self) -> Status:
        recording = bool(self.asked) and self.asked[-1]
        recorder = RecorderStatus(Path("walk.mcap"), "recording", 5, 65.0, 12_000_000, 0, 0, 0, 0, 10**9, "")
        return Status(self.state, self.message, captured=5, capture_fps=29.97, recorder=recorder if recording else None)

    def record(self, on: bool) -> None:
        self.asked.append(on)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromium-driver are not installed")
    options = ChromeOptions()
    options.binary_location = chromium
    folder = tmp_path_factory.mktemp("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={folder}")
    options.add_argument("--window-size=1200,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options=options, service=Service(driver))
    browser.set_script_timeout(PATIENCE_S)
    yield browser
    browser.quit()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def served(desk: Desk) -> Iterator[LiveServer]:
    with LiveServer(port=0, desk=desk, patience_s=4.0) as server, publishing(server, size=SIZE):
        yield server


@pytest.fixture
def page(browser: Chrome, served: LiveServer) -> Iterator[Chrome]:
    browser.get_log("browser")  # Of the test before.
    browser.get(served.page)
    wait(browser, is_drawn)
    yield browser
    errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not [error for error in errors if "WebSocket" not in error and "ERR_CONNECTION" not in error]


def wait(browser: Chrome, condition: Callable[[Chrome], Any]) -> Any:
    return WebDriverWait(browser, PATIENCE_S, 0.1).until(condition)


def is_drawn(browser: Chrome) -> bool:
    """Whether every picture that is shown has the camera's size, and something in it."""
    return bool(
        browser.execute_script(
            """
            const canvases = [...document.querySelectorAll("figure canvas")];
            return canvases.length > 0 && canvases.every((canvas) => {
              const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
              copy.drawImage(canvas, 0, 0);
              return canvas.width === 320 && copy.getImageData(0, 0, 320, 240).data.some((v, i) => i % 4 < 3 && v > 20);
            });
            """
        )
    )


def text(browser: Chrome, selector: str) -> str:
    return str(browser.find_element(By.CSS_SELECTOR, selector).text)


def point(browser: Chrome, share: float) -> None:
    """Moves the pointer to a share of the first picture's width, in the middle of its height."""
    figure = browser.find_element(By.CSS_SELECTOR, "figure")
    ActionChains(browser).move_to_element_with_offset(figure, int((share - 0.5) * figure.size["width"]), 0).perform()


def test_it_shows_the_pictures_the_classes_and_the_figures(page: Chrome, served: LiveServer) -> None:
    assert "token" not in page.current_url
    wait(page, lambda b: "m²" in text(b, "#classes tbody"))
    assert text(page, "h1") == "A test's camera"
    assert text(page, "#capture") == "30.0 fps"
    assert text(page, "#classes tbody tr td").strip() == LabelSet.load("sunrgbd13").name_of(2)
    assert "1.5" in text(page, "#classes tbody tr td:last-child")
    assert page.find_element(By.CSS_SELECTOR, "#banner").is_displayed() is False
    loaded = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(loaded) > 2
    assert all(name.startswith(f"http://127.0.0.1:{served.port}/") for name in loaded)


def test_the_pointer_is_told_class_and_metres(page: Chrome) -> None:
    point(page, 0.75)
    wait(page, lambda b: f"{LabelSet.load('sunrgbd13').name_of(2)} 0.80 · 1.50 m" in text(b, ".cross"))
    point(page, 0.25)
    wait(page, lambda b: "no depth" in text(b, "#probe"))
    point(page, 0.75)
    ActionChains(page).click().perform()
    ActionChains(page).move_to_element(page.find_element(By.CSS_SELECTOR, "h1")).perform()
    wait(page, lambda b: "1.50 m" in text(b, "#probe"))  # The click has kept the place.
    page.find_element(By.TAG_NAME, "body").send_keys("\ue00c")  # Escape lets go.
    wait(page, lambda b: "Point at" in text(b, "#probe"))


def test_views_are_switched_on_and_off_and_remembered(page: Chrome) -> None:
    def shown() -> list[str]:
        return [one.get_attribute("data-view") or "" for one in page.find_elements(By.TAG_NAME, "figure")]

    assert shown() == ["overlay", "depth"]
    page.find_element(By.CSS_SELECTOR, "[data-view=color]").click()
    page.find_element(By.CSS_SELECTOR, "nav [data-view=depth]").click()
    assert shown() == ["overlay", "color"]
    wait(page, is_drawn)
    page.refresh()
    wait(page, is_drawn)
    assert shown() == ["overlay", "color"]
    page.execute_script("localStorage.clear()")


def test_record_and_stop(page: Chrome, desk: Desk) -> None:
    button = page.find_element(By.ID, "record")
    button.click()
    wait(page, lambda _: button.get_attribute("aria-pressed") == "true")
    assert "1:05 · 12 MB" in button.text
    button.click()
    wait(page, lambda _: button.get_attribute("aria-pressed") == "false")
    assert desk.asked == [True, False]


def test_a_lost_camera_is_said_and_the_last_picture_dimmed(page: Chrome, desk: Desk) -> None:
    desk.state, desk.message = State.LOST, "Xtion unplugged. Waiting for it to come back"
    wait(page, lambda b: "Xtion unplugged" in text(b, "#banner"))
    assert "stale" in str(page.find_element(By.TAG_NAME, "figure").get_attribute("class"))
    desk.state, desk.message = State.RUNNING, ""
    wait(page, lambda b: not b.find_element(By.ID, "banner").is_displayed())


def test_two_pages_and_foxglove_look_and_one_page_stalls(page: Chrome, served: LiveServer) -> None:
    page.switch_to.new_window("tab")
    page.get(served.page)
    wait(page, is_drawn)
    with foxglove(served) as other:
        subscribe(other, {"/camera/calibration": 1})
        wait_until(lambda: served.clients >= 2)
        page.execute_cdp_cmd("Page.setWebLifecycleState", {"state": "frozen"})
        metrics = served._routes
        assert metrics is not None
        while not metrics._dropped:  # It is dropped, and the other client never waits.
            next_message(other)
        page.execute_cdp_cmd("Page.setWebLifecycleState", {"state": "active"})
    wait(page, lambda b: not b.find_element(By.ID, "banner").is_displayed())  # And comes back by itself.
    wait(page, is_drawn)
    page.close()
    page.switch_to.window(page.window_handles[0])


def test_a_hidden_page_gets_no_pictures(page: Chrome, served: LiveServer) -> None:
    page.execute_script("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    assert served._routes is not None
    (client,) = served._routes._pages
    wait_until(lambda: client._pictures == ())


def test_it_fits_a_phone(page: Chrome) -> None:
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.refresh()
        wait(page, is_drawn)
        assert page.execute_script("return document.documentElement.scrollWidth") == 390
        assert len(page.find_elements(By.TAG_NAME, "figure")) == 1
        for button in page.find_elements(By.CSS_SELECTOR, "nav button, #record"):
            assert button.is_displayed()
            assert button.size["height"] >= 40  # A thumb's.
        page.find_element(By.CSS_SELECTOR, "figure").click()  # A tap keeps the place.
        wait(page, lambda b: " m" in text(b, "#probe") or "no depth" in text(b, "#probe"))
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_end_of_the_server_is_said_and_a_new_one_asks_for_its_token(browser: Chrome, desk: Desk) -> None:
    with LiveServer(port=0, desk=desk) as server, publishing(server, size=SIZE):
        browser.get(server.page)
        wait(browser, is_drawn)
        port = server.port
    wait(browser, lambda b: "Connection lost" in text(b, "#banner"))
    with LiveServer(port=port, desk=desk) as server, publishing(server, size=SIZE):
        field = wait(browser, lambda b: b.find_elements(By.NAME, "token"))[0]
        field.send_keys(server.page)
        field.submit()
        wait(browser, is_drawn)
