"""Example pages in a headless Chromium: nothing fetched, nothing of the data runs, all fits the screen.

usage: page_in_chromium.py REPORT_PROBE [SCREENSHOTS]     (exit code 77: chromium or selenium is not installed)
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    from selenium import webdriver
    from selenium.common.exceptions import NoAlertPresentException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.chrome.service import Service
except ImportError:
    print("selenium is not installed: skipped")
    sys.exit(77)

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not CHROMIUM or not DRIVER:
    print("chromium or chromium-driver is not installed: skipped")
    sys.exit(77)

WIDTHS = [(1280, 900), (390, 844), (360, 740), (768, 1024)]
SHOWN_WIDTHS = (1280, 390)
failures = []


def check(condition, page, what):
    if not condition:
        failures.append("%s: %s" % (page, what))


def open_browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--user-data-dir=" + profile):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")
    return webdriver.Chrome(service=Service(DRIVER), options=options)


def set_size(browser, width, height):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})


def set_scheme(browser, scheme):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                            {"features": [{"name": "prefers-color-scheme", "value": scheme}]})


def requests(browser):
    """Everything that the page asked for since the last call."""
    urls = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.append(message["params"]["request"]["url"])
    return urls


def no_alert(browser):
    try:
        text = browser.switch_to.alert.text
        browser.switch_to.alert.dismiss()
        return "alert: " + text
    except NoAlertPresentException:
        return None


def texts(browser):
    return browser.execute_script("return [...document.querySelectorAll('details.text')].map(d => d.open)")


def check_button(browser, page):
    buttons = browser.find_elements(By.ID, "texts")
    states = texts(browser)
    if page in ("real.html", "two.html", "three.html", "hostile.html", "hostile_two.html"):
        check(len(states) > 0 and len(buttons) == 1, page, "texts or their button are missing")
    check(not any(states), page, "a text is open before it was asked for")
    if not buttons:
        return
    check(buttons[0].is_displayed(), page, "the button is hidden although scripts run")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", buttons[0])
    buttons[0].click()
    check(all(texts(browser)), page, "the button did not open the texts")
    visible = browser.execute_script(
        "const s = document.querySelector('main details.text .said'); return s.getBoundingClientRect().height")
    check(visible > 10, page, "an opened text is not to be seen")
    buttons[0].click()
    check(not any(texts(browser)), page, "the button did not fold the texts")


def check_print(browser, page):
    """Texts must not be printed, even opened ones."""
    browser.execute_script("document.querySelectorAll('details.text').forEach(d => d.open = true)")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    shown = browser.execute_script("return [...document.querySelectorAll('.said')].some(s => s.offsetHeight > 0)")
    check(not shown, page, "a text would be printed")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    pdf = base64.b64decode(browser.print_page())
    check(pdf.startswith(b"%PDF") and len(pdf) > 5000, page, "printing gave no PDF")
    browser.execute_script("document.querySelectorAll('details.text').forEach(d => d.open = false)")
    return pdf


def overflow(browser):
    return browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth, document.body.scrollWidth]")


def check_labels(browser, page):
    """Charts: each has a name, and no two texts of one lie over each other or outside it."""
    problems = browser.execute_script("""
      const out = [];
      for (const svg of document.querySelectorAll('svg[role=img]')) {
        if (!svg.getAttribute('aria-label')) out.push('a chart has no name');
        const frame = svg.getBoundingClientRect();
        const boxes = [...svg.querySelectorAll('text:not(.letter)')].map(t => [t.textContent, t.getBoundingClientRect()]);
        boxes.forEach(([text, a], i) => {
          if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1 || a.bottom > frame.bottom + 1)
            out.push('outside its chart: ' + text);
          for (const [other, b] of boxes.slice(i + 1))
            if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
              out.push('over each other: ' + text + ' / ' + other);
        });
      }
      for (const scale of document.querySelectorAll('.scale')) {
        if (scale.closest('thead').offsetWidth < 2) continue;  // the head of a table that became a list
        const boxes = [...scale.children].filter(i => getComputedStyle(i).visibility === 'visible').map(i => {
          const range = document.createRange();
          range.selectNodeContents(i);
          return range.getBoundingClientRect();
        });
        for (let i = 1; i < boxes.length; ++i)
          if (boxes[i - 1].right > boxes[i].left + 1) out.push('ticks over each other: ' + scale.textContent);
      }
      return [...new Set(out)];""")
    for problem in problems:
        check(False, page, problem)


def screenshots(browser, folder, page, name, height):
    if not folder:
        return
    total = browser.execute_script("return document.documentElement.scrollHeight")
    for piece in range(min(14, (total + height - 1) // height)):
        browser.execute_script("window.scrollTo(0, arguments[0])", piece * (height - 60))
        browser.save_screenshot(os.path.join(folder, "%s-%s-%02d.png" % (page[:-5], name, piece)))
    browser.execute_script("window.scrollTo(0, 0)")


def check_page(browser, folder, page, shots):
    set_scheme(browser, "light")
    set_size(browser, *WIDTHS[0])
    requests(browser)
    browser.get("file://" + os.path.join(folder, page))
    alert = no_alert(browser)
    check(alert is None, page, alert)
    for width, height in WIDTHS:
        set_size(browser, width, height)
        scroll, inner, body = overflow(browser)
        check(inner == width, page, "the screen is %d wide, wanted %d" % (inner, width))
        check(scroll <= inner and body <= inner, page, "%d wide: the page scrolls to %d" % (width, max(scroll, body)))
        check_labels(browser, "%s at %d" % (page, width))
        screenshots(browser, shots if width in SHOWN_WIDTHS else None, page, "%d-light" % width, height)
    set_size(browser, *WIDTHS[0])
    light = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    set_scheme(browser, "dark")
    dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    check(light != dark, page, "dark looks like light: " + light)
    screenshots(browser, shots, page, "1280-dark", WIDTHS[0][1])
    set_scheme(browser, "light")
    check_button(browser, page)
    for width, height in WIDTHS:
        set_size(browser, width, height)
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        scroll, inner, body = overflow(browser)
        check(scroll <= inner and body <= inner, page, "%d wide, all opened: scrolls to %d" % (width, max(scroll, body)))
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = false)")
    set_size(browser, *WIDTHS[0])
    pdf = check_print(browser, page)
    if shots:
        with open(os.path.join(shots, page[:-5] + ".pdf"), "wb") as file:
            file.write(pdf)
    pwned = browser.execute_script("return typeof window.__pwned")
    check(pwned == "undefined", page, "text of the data ran as a script")
    foreign = browser.execute_script(
        "return document.querySelectorAll('img,iframe,object,embed,link,base,form,main script').length")
    check(foreign == 0, page, "%d tags that no page of ours has" % foreign)
    asked = requests(browser)
    check(asked and all(url.startswith("file:") for url in asked), page, "requests: %s" % asked)
    for entry in browser.get_log("browser"):
        check(False, page, "console: " + entry["message"])
    alert = no_alert(browser)
    check(alert is None, page, alert)


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    shots = os.path.abspath(sys.argv[2]) if len(sys.argv) == 3 else None
    if shots:
        os.makedirs(shots, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        subprocess.run([sys.argv[1], folder], check=True)
        pages = sorted(name for name in os.listdir(folder) if name.endswith(".html"))
        browser = open_browser(profile)
        try:
            for page in pages:
                check_page(browser, folder, page, shots)
        finally:
            browser.quit()
    for failure in failures:
        print("FAILED", failure)
    print("%d pages, %d failures" % (len(pages), len(failures)))
    return 1 if failures or len(pages) < 8 else 0


if __name__ == "__main__":
    sys.exit(main())
