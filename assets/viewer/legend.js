// Which mask is which: one line a label, its colour and its own switch. A blinded packet names none, so labels are
// numbered there.

function labelsOf(mask) {
  const seen = new Uint8Array(256)
  if (mask) for (let i = 0; i < mask.length; i++) seen[mask[i]] = 1
  return [...seen.keys()].filter(label => label && seen[label])
}

function inkOf(label) {
  return INKS[(label - 1) % INKS.length]
}

function nameOf(film, label) {
  const names = film.spec.mask && film.spec.mask.names
  return film.state.header.blinded === true || !names || typeof names !== "object" ? "" : text(names[label])
}

function legend(state) {
  const masked = state.films.filter(film => film && film.mask)
  const labels = [...new Set(masked.flatMap(film => film.labels || []))].sort((a, b) => a - b)
  const entries = labels.map(label => {
    const names = [...new Set(masked.filter(film => film.labels.includes(label)).map(film => nameOf(film, label)))]
    return [label, names.filter(Boolean).join(" / ") || `Mask label ${label}`]
  })
  const wanted = JSON.stringify(entries)
  if (!state.legend) {
    state.legend = element("div", "legend")
    state.legend.setAttribute("role", "group")
    state.legend.setAttribute("aria-label", "Masks")
    state.grid.before(state.legend)
  }
  if (state.legend.dataset.of !== wanted) {
    state.legend.dataset.of = wanted
    state.legend.replaceChildren(...entries.map(([label, name]) => entry(state, label, name)))
  }
  state.legend.hidden = !entries.length || state.opacity <= 0
}

function entry(state, label, name) {
  const made = toggle(name, `Show or hide: ${name}`, () => {
    if (!state.unseen.delete(label)) state.unseen.add(label)
    press(made, !state.unseen.has(label))
    redraw(state)
  })
  const swatch = element("span", "swatch")
  swatch.style.setProperty("--ink", `rgb(${inkOf(label).join(" ")})`)
  made.prepend(swatch)
  press(made, !state.unseen.has(label))
  return made
}
