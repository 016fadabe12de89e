"""Takes the README's picture of the page: `PYTHONPATH=. python docs/picture.py` (needs Playwright and Chromium)."""

from pathlib import Path

from playwright.sync_api import sync_playwright

from recon.ui.page import launch

PLACE = Path(__file__).with_name("page.png")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    _, address, _ = launch(prevent_thread_lock=True, quiet=True, server_port=None)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1060})
        page.goto(address)
        page.wait_for_selector("#recon-map .js-plotly-plot")
        page.click("#recon-draw")
        page.wait_for_function("document.querySelectorAll('.sample-grid img').length === 8")
        view = page.locator("#recon-view canvas").bounding_box()
        page.mouse.click(view["x"] + 0.6 * view["width"], view["y"] + 0.66 * view["height"])
        page.wait_for_selector("#recon-pixel svg")
        page.evaluate("scrollTo(0, 0)")
        page.mouse.move(5, 5)
        page.wait_for_timeout(800)
        page.screenshot(path=PLACE)
        browser.close()
    print(PLACE)


if __name__ == "__main__":
    main()
