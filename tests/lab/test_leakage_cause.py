"""The cause of a leak: phrases of a prompt, distances to a film, and what the stored reports say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lab.errors import InputError, NotComputable
from lab.leakage.extraction import Ask, checked, found, limits, middle, rank_of, spread
from lab.leakage.filtering import filtered
from lab.leakage.phrases import phrases
from lab.neighbours.verdict import NEAR_COPY, read, verdict_of


@pytest.mark.parametrize(
    ("caption", "parts"),
    [
        ("PA view. Large left pneumothorax.", ["PA view", "Large", "left", "pneumothorax"]),
        ("There is a small mass in the right middle lobe.", ["small", "mass", "in the right middle lobe"]),
        ("Elderly man. Lungs are clear.", ["Elderly man", "Lungs are clear"]),
        ("AP view. No consolidation or pulmonary edema.", ["AP view", "No consolidation or pulmonary edema"]),
        ("Bacterial pneumonia, paediatric chest radiograph.", ["Bacterial pneumonia", "paediatric chest radiograph"]),
        ("quiet purple bird", ["quiet", "purple", "bird"]),
        ("Cardiomegaly.", []),
        ("", []),
    ],
)  # fmt: skip
def test_a_prompt_is_cut_into_the_phrases_of_its_grammar(caption, parts) -> None:
    assert [phrase.text for phrase in phrases(caption)] == parts


def test_what_is_left_without_a_phrase_is_a_prompt_again() -> None:
    without = {
        phrase.text: phrase.without for phrase in phrases("PA view. Severe cardiomegaly and small effusion.")
    }
    assert without["PA view"] == "Severe cardiomegaly and small effusion."
    assert without["Severe"] == "PA view. Cardiomegaly and small effusion."
    assert without["cardiomegaly"] == "PA view. Severe and small effusion."


def test_every_caption_of_the_phantoms_can_be_taken_apart() -> None:
    import random

    from lab.generators.training.wording import drawn_caption

    rng = random.Random(5)
    for _ in range(200):
        text = drawn_caption(rng).text
        kept = text.lower().replace(".", " ").replace(",", " ").split()
        for phrase in phrases(text):
            words = phrase.without.lower().replace(".", " ").replace(",", " ").split()
            assert words and len(words) < len(kept), (text, phrase)
            assert set(words) <= set(kept), (text, phrase)


def test_the_limit_is_where_the_verdict_changes() -> None:
    rng = np.random.default_rng(0)
    reference = {
        "registered-correlation": np.sort(rng.random(999)),
        "feature-cosine": np.sort(rng.random(999)),
    }
    for name, limit in limits(reference).items():
        assert limit is not None
        labels = []
        for distance in (limit, np.nextafter(limit, 2.0)):
            one = read(name, float(distance), "a", reference)
            other = replace(one, name="other", p=1.0)
            labels.append(verdict_of([one, other], 999).label)
        assert labels[0] == NEAR_COPY and labels[1] != NEAR_COPY


def test_too_few_films_give_no_limit() -> None:
    assert limits({"one": np.linspace(0, 1, 50), "two": np.linspace(0, 1, 50)}) == {"one": None, "two": None}
    assert limits({"one": np.linspace(0, 1, 199)})["one"] is not None


def test_the_spread_is_the_mean_over_all_pairs() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(7, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    by_hand = np.mean([1 - rows[a] @ rows[b] for a in range(7) for b in range(a)])
    told = spread(rows)
    assert told is not None and told.value == pytest.approx(by_hand) and told.low < by_hand < told.high
    assert spread(rows[:2]) is None
    alike = spread(np.repeat(rows[:1], 5, axis=0))
    assert alike is not None and alike.value == pytest.approx(0, abs=1e-12)


def test_the_interval_of_a_median_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(400):
        told = middle(rng.exponential(size=16).tolist())
        inside += told.low <= np.log(2) <= told.high
    assert inside / 400 >= 0.93
    assert middle([3.0, 1.0, 2.0]).value == 2.0 and middle([3.0, 1.0, 2.0]).low is None
    with pytest.raises(InputError):
        middle([])


def test_rank_and_found_count_the_film_itself() -> None:
    assert rank_of(np.array([0.3, 0.1, 0.2]), 1) == 1 and rank_of(np.array([0.3, 0.1, 0.2]), 0) == 3
    samples = [
        {"nearest": "a", "label": "near-copy"}, {"nearest": "b", "label": "near-copy"},
        {"nearest": "a", "label": "close"},
    ]  # fmt: skip
    assert found(samples, "a") == 1


@pytest.mark.parametrize(
    ("asks", "seeds"),
    [
        ([], [1]),
        ([Ask("g", "a", "f", "x")], []),
        ([Ask("g", " ", "f", "x")], [1]),
        ([Ask("g", "a", "f", "x", split="test")], [1]),
        ([Ask("g", "a", "f", "x")] * 64, list(range(64))),
    ],
)
def test_an_extraction_that_cannot_be_run_is_refused_in_one_sentence(asks, seeds) -> None:
    with pytest.raises(InputError, match="nothing was started"):
        checked(asks, seeds)


def test_the_filter_drops_near_copies_and_counts_the_films_they_gave_away() -> None:
    table = pd.DataFrame(
        {"label": ["near-copy", "near-copy", "close", "ordinary"], "first": ["a", "a", "a", "b"]}
    )
    left = filtered(table)
    assert left.kept.tolist() == [False, False, True, True] and left.exposed == 1
    assert (left.dropped.hits, left.dropped.n) == (2, 4) and left.dropped.low < 0.5 < left.dropped.high
    with pytest.raises(NotComputable):
        filtered(table.assign(label="no verdict"))


def test_stored_evidence_says_what_the_reports_say(tmp_path) -> None:
    from lab.generators.cards import EMBEDDED, list_cards
    from lab.leakage.evidence import stored_evidence

    cards = [card for card in list_cards() if card.root is not None and EMBEDDED in card.root.parents]
    known, broken = stored_evidence(cards, tmp_path)
    assert not broken and [one.films for one in known] == sorted(one.films for one in known)
    by_id = {one.subject: one for one in known}
    assert {"phantom-cxr-memorised-48", "phantom-cxr-memorised-192", "phantom-cxr-memorised-768"} <= set(
        by_id
    )
    for name, one in by_id.items():
        report = json.loads((EMBEDDED / name / "gates" / "planted.json").read_text())
        told = report["details"]["Planted training films found"]
        assert one.found["repeated"].value == pytest.approx(sum(film["found"] for film in told) / len(told))
        assert one.films == next(card.measured["training_films"] for card in cards if card.id == name)


def test_a_report_on_a_mitigation_brings_its_price_and_epsilon(tmp_path) -> None:
    from lab.gates.planted import CONTROL, FOUND, ONCE
    from lab.gates.planted_price import PRICE
    from lab.gates.report import Figure, GateReport, write_report
    from lab.generators.training.recipe import MITIGATED
    from lab.leakage.evidence import stored_evidence, unmeasured

    share = Figure("", 0.1, 0.02, 0.3, n=20)
    figures = [replace(share, name=name) for name in (FOUND, ONCE, CONTROL)] + [
        Figure(PRICE, 12.0, 9.0, 15.0, n=200)
    ]
    figures.append(Figure("Epsilon of the whole training", 4.2, n=20))
    name = MITIGATED[0]
    write_report(
        GateReport(
            "mitigation", name, "t", "c", {}, 1.0, tuple(figures), {"mitigation": "repeats taken out"}
        ),
        tmp_path / name,
    )
    (tmp_path / "other" / "gates").mkdir(parents=True)
    (tmp_path / "other" / "gates" / "mitigation.json").write_text("{")
    known, broken = stored_evidence([], tmp_path)
    assert len(broken) == 1 and len(known) == 1
    one = known[0]
    assert (one.mitigation, one.price.value, one.epsilon.value) == ("repeats taken out", 12.0, 4.2)
    assert one.films == 192 and name not in {words for words, _ in unmeasured(known)}
    assert len(list(unmeasured(known))) == len(MITIGATED) - 1
