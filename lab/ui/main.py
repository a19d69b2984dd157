"""The entry script: page set-up, navigation, and a sidebar that shows what is running."""

from __future__ import annotations

import streamlit as st

from lab.config import ASSETS
from lab.ui.frame import NOTICE, place
from lab.ui.sidebar import sidebar
from lab.ui.sign_in import gate

st.set_page_config(
    page_title="Doppel",
    page_icon=str(ASSETS / "theme_icon.svg"),
    layout="wide",
    initial_sidebar_state="expanded",
    menu_items={"About": f"Doppel: a lab for synthetic medical images. {NOTICE}"},
)
st.html(ASSETS / "theme.css")
st.logo(str(ASSETS / "theme_logo.svg"), size="large")
gate()

page = st.navigation(
    {
        "": [st.Page(place("home"), title="Home", icon=":material/home:", default=True)],
        "Explore": [
            st.Page(place("prompt"), title="Prompt", icon=":material/edit_note:"),
            st.Page(place("neighbours"), title="Neighbours", icon=":material/compare:"),
            st.Page(place("feature_space"), title="Feature space", icon=":material/scatter_plot:"),
        ],
        "Measure": [
            st.Page(place("metrics"), title="Metrics", icon=":material/straighten:"),
            st.Page(place("leakage"), title="Leakage", icon=":material/fingerprint:"),
        ],
        "Stock": [st.Page(place("library"), title="Library", icon=":material/folder_open:")],
    }
)
sidebar()
page.run()
