// The view of a film - window, zoom, place, turn, frame - and what linking means: the same change for all of them.

const MIN_ZOOM = 0.25
const MAX_ZOOM = 64
const PLAIN = { level: 0, spread: 1, invert: false, zoom: 1, x: 0.5, y: 0.5, turn: 0, flipH: false, flipV: false }

function later(film) {
  if (!film.pending) film.pending = requestAnimationFrame(guarded(film.box, () => { film.pending = 0; draw(film) }))
}

function redraw(state) {
  state.films.forEach(film => film && later(film))
}

// A hand is moving: frames come first, detail follows when it rests.
const REST_MS = 160

function moving(state) {
  state.moving = true
  clearTimeout(state.restTimer)
  state.restTimer = setTimeout(() => { state.moving = false; redraw(state) }, REST_MS)
}

function draw(film) {
  const start = performance.now()
  const { canvas } = film
  const ratio = window.devicePixelRatio || 1
  const wide = Math.max(1, Math.round(canvas.clientWidth * ratio))
  const high = Math.max(1, Math.round(canvas.clientHeight * ratio))
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high }
  const pen = film.pen
  pen.setTransform(1, 0, 0, 1, 0, 0)
  pen.fillStyle = "#000"
  pen.fillRect(0, 0, wide, high)
  film.geometry = geometry(film, canvas, film.view)
  if (film.samples) {
    paint(film, pen, film.geometry, [0, 0, wide, high])
    compared(film, pen)
    lens(film, pen)
    outlines(film, pen)
  }
  film.box.dataset.ms = (performance.now() - start).toFixed(2)
  report(film)
}

// Numbers on screen, and the same as data for whoever reads the page by machine.
function report(film) {
  const { view, geometry, spec } = film
  const { width, centre } = windowOf(film)
  const facts = {
    width: Math.round(width), level: Math.round(centre), zoom: view.zoom.toFixed(4), x: view.x.toFixed(4), y: view.y.toFixed(4),
    scale: geometry.scale.toFixed(4), invert: view.invert, turn: view.turn & 3, flip: `${view.flipH ? "h" : ""}${view.flipV ? "v" : ""}`,
    frame: film.frame, ready: Boolean(film.samples),
  }
  for (const [name, value] of Object.entries(facts)) film.box.dataset[name] = String(value)
  const [first, second] = film.numbers.children
  first.textContent = `W ${facts.width}  L ${facts.level}${spec.frames > 1 ? `\nframe ${film.frame + 1} / ${spec.frames}` : ""}`
  second.textContent = `${view.zoom.toFixed(2)}×  ${Math.round(geometry.scale * 100)} %`
  placeCursor(film)
}

function together(state, source) {
  return state.linked || !source ? state.films.filter(Boolean) : [source]
}

function change(state, source, apply) {
  together(state, source).forEach(film => { apply(film.view, film); later(film) })
  showWindow(state)
}

function link(state, on) {
  state.linked = on
  press(state.link, on)
  state.link.lastChild.textContent = on ? "Linked" : "Unlinked"
}

function adjust(film, dx, dy) {
  change(film.state, film, (view, other) => {
    const step = 1 / Math.max(255, Math.min(512, other.home.width))
    view.spread = clamp(view.spread + dx * step, 1 / other.home.width, 8)
    view.level = clamp(view.level + dy * step, -4, 4)
  })
}

function look(film, zoom, x, y) {
  change(film.state, film, view => {
    view.zoom = clamp(zoom, MIN_ZOOM, MAX_ZOOM)
    view.x = clamp(x, -0.5, 1.5)
    view.y = clamp(y, -0.5, 1.5)
  })
}

// Zoom so that the film point under (px, py), in CSS pixels of the canvas, stays where it is.
function zoomAt(film, factor, px, py) {
  const { canvas, spec, view } = film
  const ratio = canvas.width / Math.max(1, canvas.clientWidth)
  const zoom = clamp(view.zoom * factor, MIN_ZOOM, MAX_ZOOM)
  // From the place itself and not from the geometry, whose whole offsets would add up over the steps of a pinch.
  const gap = (1 / view.zoom - 1 / zoom) / fit(film, canvas, view.turn)
  const [cos, sin] = TURNS[view.turn & 3]
  const [fx, fy] = [view.flipH ? -1 : 1, view.flipV ? -1 : 1]
  const dx = (px * ratio - canvas.width / 2) * fx * gap
  const dy = (py * ratio - canvas.height / 2) * fy * gap
  look(film, zoom, view.x + (cos * dx + sin * dy) / spec.width, view.y + (cos * dy - sin * dx) / spec.height)
}

function pan(film, dx, dy) {
  const { canvas, spec, view } = film
  const ratio = canvas.width / Math.max(1, canvas.clientWidth)
  const { matrix } = geometry(film, canvas, view)
  const from = toImage(matrix, 0, 0)
  const to = toImage(matrix, dx * ratio, dy * ratio)
  look(film, view.zoom, view.x - (to[0] - from[0]) / spec.width, view.y - (to[1] - from[1]) / spec.height)
}

function actualSize(state, source) {
  change(state, source, (view, film) => { view.zoom = clamp(1 / fit(film, film.canvas, view.turn), MIN_ZOOM, MAX_ZOOM) })
}

function fitAll(state, source) {
  change(state, source, view => { Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 }) })
}

function restore(state, source) {
  change(state, source, view => { Object.assign(view, PLAIN) })
}

function preset(state, source, number) {
  change(state, source, (view, film) => {
    if (film.presets[number]) Object.assign(view, windowOfPreset(film, number))
  })
}

// A preset counts in widths of the window that was given with the film, else of the grey levels that are in it: a dull
// film of 8 bits would go black in parts of its full range. The first preset is the film as stored.
function windowOfPreset(film, number) {
  const { home, span, presets } = film
  const { level, spread } = presets[number]
  if (number === 0) return { level, spread }
  const centre = span.centre + span.width * level
  return { level: (centre - home.centre) / home.width, spread: (span.width * spread) / home.width }
}

// The grey levels between the 0.5th and the 99.5th percentile of the middle frame, from a part of a large one.
const SPAN_SAMPLES = 250000

function spanOf(spec, samples, home, full) {
  if (spec.window) return home
  const size = spec.width * spec.height * spec.channels
  const start = Math.floor(spec.frames / 2) * size
  const counts = new Uint32Array(full + 1)
  const by = 3 * Math.floor(size / SPAN_SAMPLES / 3) + 1 // no multiple of three: every channel is asked
  let seen = 0
  for (let i = start; i < start + size; i += by, seen++) counts[samples[i]]++
  const reach = share => {
    let value = 0
    for (let sum = counts[0]; sum <= share * seen && value < full;) sum += counts[++value]
    return value
  }
  const [low, high] = [reach(0.005), reach(0.995)]
  return { centre: (low + high) / 2, width: Math.max(1, high - low) }
}

// What is on screen turns or flips, however it was turned before.
function rotate(state, source, by) {
  change(state, source, view => { view.turn = (view.turn + (view.flipH === view.flipV ? by : -by) + 4) & 3 })
}

function flip(state, source, name) {
  change(state, source, view => { view[name] = !view[name] })
}

function invert(state, source) {
  change(state, source, view => { view.invert = !view.invert })
}

function step(state, source, by) {
  const films = state.linked ? state.films.filter(Boolean) : [source]
  films.forEach(film => goto(film, film.frame + by))
  showFrames(state)
}

function goto(film, frame, round = false) {
  const count = film.spec.frames
  if (count < 2) return
  const next = round ? (frame + count) % count : clamp(frame, 0, count - 1)
  if (next !== film.frame) { film.frame = next; later(film) }
}

// Frames follow a clock, so that a slow machine drops frames instead of slowing the heart.
function cine(state, on) {
  state.playing = on && state.films.some(film => film && film.spec.frames > 1)
  if (state.cineTimer) cancelAnimationFrame(state.cineTimer)
  state.cineTimer = 0
  if (state.play) {
    press(state.play, state.playing)
    state.play.replaceChildren(icon(state.playing ? "pause" : "play"))
  }
  if (!state.playing) return
  let last = performance.now()
  const tick = now => {
    if (!state.playing || !state.root.isConnected) return
    const passed = Math.floor(((now - last) * state.rate) / 1000)
    if (passed > 0 && !document.hidden) {
      last += (passed * 1000) / state.rate
      const films = state.linked ? state.films.filter(Boolean) : [state.active].filter(Boolean)
      films.forEach(film => goto(film, film.frame + passed, true))
      showFrames(state)
    }
    state.cineTimer = requestAnimationFrame(tick)
  }
  state.cineTimer = requestAnimationFrame(tick)
}
