"""Launcher of the app: the thread policy, then the server; the pages live behind lab/ui/main.py."""

from __future__ import annotations

from lab.threads import apply_thread_policy

apply_thread_policy("app")

import streamlit as st  # noqa: E402

from lab.ui import web  # noqa: E402

app = st.App(str(web.ENTRY), lifespan=web.lifespan, routes=web.routes(), middleware=web.middleware())
