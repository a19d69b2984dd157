"""Everything that draws: the only package in `lab` that imports Streamlit."""
