// One viewport: its frame, what stands in its corners, and what a screen reader hears.
// In a blinded packet the words are absent, so the elements for them are not made either.

function frame(state, spec, index) {
  const box = element("figure", "frame")
  box.dataset.index = String(index)
  box.tabIndex = 0
  box.setAttribute("role", "group")
  const screen = element("div", "screen")
  const canvas = element("canvas", "canvas")
  canvas.setAttribute("role", "img")
  screen.append(canvas)
  box.append(screen)
  const film = {
    state, index, box, screen, canvas, spec, presets: presetsOf(state, spec), pen: canvas.getContext("2d", { alpha: false }),
    view: { ...PLAIN }, frame: whole(spec.frames, 1, MAX_FRAMES) ? Math.floor(spec.frames / 2) : 0,
    samples: null, span: null, mask: null, labels: [], pending: 0, geometry: null, fingers: new Map(), pinch: null,
  }
  state.frames[index] = box
  label(film, spec)
  if (spec.withheld === true) screen.append(element("p", "problem", "Not shown in public: the licence of this film does not allow it."))
  else if (!sized(spec)) screen.append(element("p", "problem", "This film did not arrive whole; it is not shown."))
  else open(state, film)
  return box
}

function presetsOf(state, spec) {
  const known = state.header.presets && state.header.presets[text(spec.modality)]
  const list = Array.isArray(known) ? known.slice(0, 9) : []
  return list.filter(one => one && Number.isFinite(one.level) && one.spread > 0 && text(one.name))
}

// Words may change while the pixels stay: they are set anew with every rerun.
function label(film, spec) {
  const { box, canvas, screen, state } = film
  for (const old of [...screen.querySelectorAll(".labels"), ...box.querySelectorAll(".caption")]) old.remove()
  const alt = text(spec.alt) || `film ${film.index + 1}`
  if (state.header.blinded === true) {
    box.setAttribute("aria-label", alt)
    canvas.setAttribute("aria-label", alt)
    return
  }
  const tag = TAGS.includes(spec.tag) ? spec.tag : "UNTAGGED"
  box.dataset.tag = tag
  box.setAttribute("aria-label", `${tag}: ${alt}`)
  canvas.setAttribute("aria-label", `${tag}: ${alt}`)
  const labels = element("div", "labels")
  const left = element("div", "who")
  const line = element("div", "line")
  line.append(element("span", "tag", text(spec.note) ? `${tag} ${text(spec.note)}` : tag))
  if (spec.public === false) line.append(lock())
  left.append(line)
  const origin = [spec.dataset, spec.split, spec.case].map(text).filter(Boolean).join(" · ")
  if (origin) left.append(element("span", "origin", origin))
  labels.append(left)
  if (text(spec.badge)) {
    const badge = element("span", "badge", text(spec.badge))
    badge.dataset.tone = text(spec.tone)
    labels.append(badge)
  }
  screen.append(labels)
  box.append(element("figcaption", "caption", text(spec.caption)))
}

function lock() {
  const made = element("span", "lock")
  made.title = "Not for public display: the licence of this film does not allow it."
  made.setAttribute("role", "img")
  made.setAttribute("aria-label", "not for public display")
  made.append(icon("lock"))
  return made
}

function open(state, film) {
  const { spec, screen, box } = film
  const full = spec.depth === 16 ? 65535 : 255
  const canvas = new OffscreenCanvas(1, 1)
  Object.assign(film, {
    full, home: homeOf(spec, full), grey: new Uint8ClampedArray(full + 1), table: new Uint32Array(full + 1), tableOf: "",
    scratch: { canvas, pen: canvas.getContext("2d", { willReadFrequently: true }), image: null }, levelsOf: -1, layerOf: "",
    numbers: element("span", "numbers"), value: element("span", "value"), cursor: element("span", "cursor"),
    versus: element("span", "versus"), divider: element("div", "divider"), waiting: element("p", "waiting", "Loading the film"),
  })
  film.numbers.append(element("span", "first"), element("span", "second"))
  film.value.hidden = film.cursor.hidden = film.versus.hidden = film.divider.hidden = true
  film.cursor.setAttribute("aria-hidden", "true")
  film.divider.setAttribute("role", "slider")
  film.divider.setAttribute("aria-label", "Swipe: share of the first film")
  film.divider.tabIndex = 0
  const grow = button("Enlarge", "Enlarge (F)", () => enlarge(state, box), "fit")
  grow.classList.add("grow")
  screen.append(film.numbers, film.value, film.cursor, film.versus, film.divider, film.waiting, grow)
  state.films[film.index] = film
  listen(film)
  swiping(film)
  fill(film, spec)
}

// Pixels come on their own; the frame is there at once. Until the next film of a frame has arrived, the last one stays
// with its own words: what is written over a picture always belongs to it.
async function fill(film, spec) {
  film.next = spec
  const [samples, mask] = await Promise.all([pixels(spec), maskOf(spec)])
  const { state } = film
  if (state.closed || film.next !== spec) return
  film.waiting.remove()
  label(film, spec)
  if (!samples) {
    state.films[film.index] = null
    state.failed = true
    film.canvas.remove()
    film.screen.append(element("p", "problem", "This film did not arrive whole; it is not shown. Reload the page."))
    return
  }
  guarded(film.box, () => {
    const home = homeOf(spec, film.full)
    Object.assign(film, {
      spec, samples, mask, labels: labelsOf(mask), home, span: spanOf(spec, samples, home, film.full), view: { ...PLAIN }, tableOf: "", levelsOf: -1, layerOf: "",
    })
    film.presets = presetsOf(state, spec)
    later(film)
    showMask(state)
    showWindow(state)
    comparing(state)
  })()
}

function homeOf(spec, full) {
  const given = spec.window || {}
  const width = Number.isFinite(given.width) && given.width > 0 ? given.width : full
  return { width, centre: Number.isFinite(given.centre) ? given.centre : full / 2 }
}

function enlarge(state, box) {
  const on = !box.classList.contains("large")
  state.frames.forEach(other => other.classList.remove("large"))
  box.classList.toggle("large", on)
  state.grid.classList.toggle("one", on)
}
