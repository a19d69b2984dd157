"""Sign-in: pages and films stay shut for whoever is not signed in, though an address of a film was copied."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
FILM = re.compile(r":\d+/media/")
SECRET = "a secret of this test and of nothing else"
APP = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from lab.ui import web
app = st.App({page!r}, middleware=web.middleware(), secrets={{"auth": {{
    "redirect_uri": "http://127.0.0.1/oauth2callback", "cookie_secret": {secret!r}, "client_id": "x",
    "client_secret": "y", "server_metadata_url": "http://127.0.0.1/.well-known/openid-configuration"}}}})
"""
PAGE = """
import sys
sys.path.insert(0, {root!r})
import numpy as np
import streamlit as st
from lab.ui.sign_in import gate
from lab.ui.viewer import Film, viewer
gate()
st.write("inside")
viewer([Film(np.full((32, 32), 90, np.uint8), "PHANTOM", "one")], key="one", columns=1)
"""


def login(base: str, email: str, secret: str = SECRET, origin: str = "") -> dict[str, str]:
    """The cookie that a login leaves in the browser."""
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    told = {"origin": origin or base, "is_logged_in": True, "email": email}
    value = create_signed_value(secret, "_streamlit_user", json.dumps(told)).decode()
    return {"name": "_streamlit_user", "value": value, "url": base}


def status(address: str, cookie: dict[str, str] | None = None) -> int:
    headers = {"Cookie": f"{cookie['name']}={cookie['value']}"} if cookie else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.fault(57)
def test_films_are_for_whoever_is_signed_in_and_listed(browser, serve, tmp_path):
    (tmp_path / "page.py").write_text(PAGE.format(root=str(ROOT)), "utf-8")
    script = tmp_path / "app.py"
    script.write_text(APP.format(root=str(ROOT), page=str(tmp_path / "page.py"), secret=SECRET), "utf-8")
    base = serve(script, LAB_ALLOWED_USERS="reader@example.org, second@example.org")
    context = browser.new_context()
    page, asked = context.new_page(), []
    page.set_default_timeout(20_000)
    page.on("request", lambda request: asked.append(request.url))

    page.goto(base)
    page.get_by_role("button", name="Sign in").wait_for()
    expect(page.get_by_text("inside")).to_have_count(0)
    context.add_cookies([login(base, "stranger@example.org")])
    page.reload()
    page.get_by_text("not on the list").wait_for()
    expect(page.get_by_text("inside")).to_have_count(0)
    assert not [url for url in asked if FILM.search(url)]

    reader = login(base, "Reader@example.org")
    context.add_cookies([reader])
    page.reload()
    page.locator(".viewer .frame[data-ready=true]").wait_for()
    films = [url for url in asked if FILM.search(url)]
    assert len(films) == 2  # the script and the film
    for url in films:
        assert status(url, reader) == 200 and status(url, login(base, "second@example.org")) == 200
        assert status(url) == 403
        assert status(url, login(base, "stranger@example.org")) == 403
        assert status(url, login(base, "reader@example.org", secret="another secret")) == 403
        assert status(url, login(base, "reader@example.org", origin="http://elsewhere.example")) == 403
        assert status(url.replace("/media/", "//media/"), None) != 200
    assert status(f"{base}/api/map/token/1") == 403 and status(f"{base}/_stcore/health") == 200
    context.close()


def test_without_sign_in_nothing_is_asked_for(serve, page, tmp_path):
    script = tmp_path / "page.py"
    script.write_text(PAGE.format(root=str(ROOT)), "utf-8")
    page.goto(serve(script))
    page.locator(".viewer .frame[data-ready=true]").wait_for()
