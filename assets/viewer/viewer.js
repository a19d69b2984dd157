// Viewer: N canvases in one component. Pixels arrive raw and are windowed here; text is only ever set as text.
// Hands know the gestures from radiology viewers: drag = window/level, wheel = zoom, shift or middle drag = pan.

const MAGIC = 0x31565044 // "DPV1", little-endian
const MAX_SIDE = 16384
const MIN_ZOOM = 0.25
const MAX_ZOOM = 40
const TAGS = ["REAL", "SYNTHETIC", "PHANTOM"]
const PRESETS = { 1: [0, 1], 2: [0, 0.6], 3: [-0.18, 0.5], 4: [0.22, 0.45] }
const HELP = "Drag: window and level · Wheel: zoom · Shift or middle drag: pan · Double click or space: reset · " +
  "I: invert · 1-4: window presets · + − =: zoom in, out, fit · F: enlarge · U: link or unlink · Arrows: next film"
const mounted = new WeakMap()

export default function (component) {
  const root = component.parentElement.querySelector(".viewer")
  if (!root) return
  try {
    show(root, component)
  } catch (error) {
    say(root, "The viewer could not draw these films; nothing else is affected. Reload the page.")
  }
  return () => {
    const state = mounted.get(root)
    if (state) state.observer.disconnect()
    mounted.delete(root)
  }
}

function show(root, component) {
  const packet = read(component.data)
  if (!packet) {
    say(root, "These films did not arrive whole and are not shown. Reload the page.")
    return
  }
  let state = mounted.get(root)
  if (!state || state.digest !== packet.header.digest) state = mount(root, packet, state)
  state.component = component
  state.header = packet.header
  mark(state)
}

// ---------------------------------------------------------------- the packet
function read(data) {
  const bytes = data instanceof Uint8Array ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : null
  if (!bytes || bytes.byteLength < 8) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC) return null
  const length = view.getUint32(4, true)
  if (8 + length > bytes.byteLength) return null
  let header
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  } catch (error) {
    return null
  }
  if (!header || !Array.isArray(header.viewports)) return null
  return { header, payload: bytes.subarray(8 + length) }
}

function pixels(film, payload) {
  const { width, height, channels, depth, offset, length } = film
  const whole = [width, height, offset, length].every(n => Number.isInteger(n) && n >= 0)
  if (!whole || width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) return null
  if (!(channels === 1 || channels === 3) || !(depth === 8 || depth === 16)) return null
  if (length !== width * height * channels * (depth / 8) || offset + length > payload.byteLength) return null
  const own = payload.slice(offset, offset + length)
  return depth === 16 ? new Uint16Array(own.buffer) : own
}

// ---------------------------------------------------------------- building
function mount(root, packet, previous) {
  if (previous) previous.observer.disconnect()
  const { header, payload } = packet
  const state = { root, digest: header.digest, header, linked: header.linked !== false, films: [], frames: [] }
  root.replaceChildren()
  root.append(toolbar(state))
  const grid = element("div", "grid")
  grid.style.setProperty("--columns", String(Math.max(1, header.columns | 0)))
  grid.classList.toggle("lead", header.lead === true)
  header.viewports.forEach((film, index) => grid.append(frame(state, film, payload, index)))
  root.append(grid)
  state.grid = grid
  state.observer = new ResizeObserver(() => state.films.forEach(film => film && later(film)))
  state.observer.observe(grid)
  mounted.set(root, state)
  return state
}

function toolbar(state) {
  const bar = element("div", "toolbar")
  state.link = button("Linked", "Window, zoom and pan apply to all films", () => link(state, !state.linked))
  state.link.classList.add("toggle")
  const reset = button("Reset", "Double click or space", () => state.films.forEach(restore))
  const invert = button("Invert", "I", () => change(state, null, film => { film.invert = !film.invert }))
  const keys = button("Keys", "Mouse and keyboard", () => { help.hidden = !help.hidden })
  const help = element("p", "help", HELP)
  help.hidden = true
  keys.setAttribute("aria-expanded", "false")
  keys.addEventListener("click", () => keys.setAttribute("aria-expanded", String(!help.hidden)))
  bar.append(state.link, reset, invert, keys, help)
  link(state, state.linked)
  return bar
}

function link(state, on) {
  state.linked = on
  state.link.setAttribute("aria-pressed", String(on))
  state.link.textContent = on ? "Linked" : "Unlinked"
}

function frame(state, spec, payload, index) {
  const box = element("figure", "frame")
  const tag = TAGS.includes(spec.tag) ? spec.tag : "UNTAGGED"
  box.dataset.tag = tag
  box.dataset.index = String(index)
  box.tabIndex = 0
  box.setAttribute("role", "group")
  box.setAttribute("aria-label", `${tag}: ${text(spec.alt) || text(spec.caption)}`)
  const screen = element("div", "screen")
  const labels = element("div", "labels")
  labels.append(element("span", "tag", text(spec.note) ? `${tag} ${text(spec.note)}` : tag))
  if (text(spec.badge)) {
    const badge = element("span", "badge", text(spec.badge))
    badge.dataset.tone = text(spec.tone)
    labels.append(badge)
  }
  screen.append(labels)
  box.append(screen, element("figcaption", "caption", text(spec.caption)))
  const samples = pixels(spec, payload)
  if (samples) open(state, box, screen, spec, samples, index)
  else {
    state.films[index] = null
    screen.append(element("p", "problem", "This film did not arrive whole; it is not shown."))
  }
  state.frames[index] = box
  return box
}

function open(state, box, screen, spec, samples, index) {
  const canvas = element("canvas", "canvas")
  canvas.setAttribute("aria-hidden", "true")
  const numbers = element("span", "numbers")
  const grow = button("⤢", "Enlarge (F)", () => enlarge(state, box))
  grow.classList.add("grow")
  screen.append(canvas, numbers, grow)
  const full = spec.depth === 16 ? 65535 : 255
  const given = spec.window || {}
  const width = Number.isFinite(given.width) && given.width > 0 ? given.width : full
  const centre = Number.isFinite(given.centre) ? given.centre : full / 2
  const film = {
    state, box, canvas, numbers, samples, spec, index, full,
    native: new OffscreenCanvas(spec.width, spec.height),
    home: { width, centre }, level: 0, spread: 1, invert: false, zoom: 1, x: 0.5, y: 0.5, stale: true, frame: 0,
  }
  state.films[index] = film
  listen(film)
  later(film)
}

// ---------------------------------------------------------------- drawing
function later(film) {
  if (!film.frame) film.frame = requestAnimationFrame(() => { film.frame = 0; draw(film) })
}

function windowed(film) {
  const { samples, spec, home, full } = film
  const width = Math.max(1, home.width * film.spread)
  const low = home.centre + home.width * film.level - width / 2
  const table = new Uint8ClampedArray(full + 1)
  for (let value = 0; value <= full; value++) {
    const grey = ((value - low) / width) * 255
    table[value] = film.invert ? 255 - Math.min(255, Math.max(0, grey)) : grey
  }
  const image = new ImageData(spec.width, spec.height)
  const out = new Uint32Array(image.data.buffer)
  if (spec.channels === 1) {
    for (let i = 0; i < samples.length; i++) out[i] = 0xff000000 | (table[samples[i]] * 0x010101)
  } else {
    for (let i = 0, j = 0; i < out.length; i++, j += 3) {
      out[i] = 0xff000000 | (table[samples[j + 2]] << 16) | (table[samples[j + 1]] << 8) | table[samples[j]]
    }
  }
  film.native.getContext("2d").putImageData(image, 0, 0)
  film.stale = false
}

function draw(film) {
  if (film.stale) windowed(film)
  const { canvas, spec } = film
  const ratio = window.devicePixelRatio || 1
  const wide = Math.max(1, Math.round(canvas.clientWidth * ratio))
  const high = Math.max(1, Math.round(canvas.clientHeight * ratio))
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high }
  const scale = fit(film) * film.zoom
  const pen = canvas.getContext("2d")
  pen.fillStyle = "#000"
  pen.fillRect(0, 0, wide, high)
  pen.imageSmoothingEnabled = scale % 1 !== 0
  pen.imageSmoothingQuality = "high"
  const left = Math.round(wide / 2 - film.x * spec.width * scale)
  const top = Math.round(high / 2 - film.y * spec.height * scale)
  pen.drawImage(film.native, left, top, spec.width * scale, spec.height * scale)
  report(film, scale)
}

function report(film, scale) {
  const width = Math.round(Math.max(1, film.home.width * film.spread))
  const level = Math.round(film.home.centre + film.home.width * film.level)
  film.numbers.textContent = `W ${width}  L ${level}  ${film.zoom.toFixed(2)}×`
  Object.assign(film.box.dataset, {
    width: String(width), level: String(level), zoom: film.zoom.toFixed(4), x: film.x.toFixed(4), y: film.y.toFixed(4),
    scale: scale.toFixed(4), invert: String(film.invert),
  })
}

function fit(film) {
  const { canvas, spec } = film
  return Math.min(canvas.width / spec.width, canvas.height / spec.height) || 1
}

// ---------------------------------------------------------------- changing
function change(state, source, apply) {
  const films = state.linked || !source ? state.films.filter(Boolean) : [source]
  films.forEach(film => {
    apply(film)
    film.stale = true
    later(film)
  })
}

function look(film, zoom, x, y) {
  const films = film.state.linked ? film.state.films.filter(Boolean) : [film]
  films.forEach(other => {
    other.zoom = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, zoom))
    other.x = Math.min(1.5, Math.max(-0.5, x))
    other.y = Math.min(1.5, Math.max(-0.5, y))
    later(other)
  })
}

function zoomAt(film, factor, px, py) {
  const { canvas, spec } = film
  const ratio = canvas.width / Math.max(1, canvas.clientWidth)
  const before = fit(film) * film.zoom
  const zoom = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, film.zoom * factor))
  const after = fit(film) * zoom
  const dx = px * ratio - canvas.width / 2
  const dy = py * ratio - canvas.height / 2
  look(film, zoom, film.x + dx / (before * spec.width) - dx / (after * spec.width),
    film.y + dy / (before * spec.height) - dy / (after * spec.height))
}

function restore(film) {
  if (!film) return
  Object.assign(film, { level: 0, spread: 1, invert: false, zoom: 1, x: 0.5, y: 0.5, stale: true })
  later(film)
}

function enlarge(state, box) {
  const on = !box.classList.contains("large")
  state.frames.forEach(other => other.classList.remove("large"))
  box.classList.toggle("large", on)
  state.grid.classList.toggle("one", on)
}

function choose(film) {
  const { state, index } = film
  if (state.header.selectable) state.component.setTriggerValue("picked", index)
}

function mark(state) {
  state.frames.forEach((box, index) => {
    const on = state.header.selectable === true && state.header.selected === index
    box.classList.toggle("selected", on)
    if (state.header.selectable) box.setAttribute("aria-current", String(on))
  })
}

// ---------------------------------------------------------------- hands
function listen(film) {
  const { canvas, box } = film
  let last = null
  let moved = 0
  canvas.addEventListener("pointerdown", event => {
    if (event.button > 1) return
    if (event.button === 1) event.preventDefault()
    last = { x: event.clientX, y: event.clientY, pan: event.button === 1 || event.shiftKey }
    moved = 0
    canvas.setPointerCapture(event.pointerId)
    box.focus({ preventScroll: true })
  })
  canvas.addEventListener("pointermove", event => {
    if (!last) return
    const dx = event.clientX - last.x
    const dy = event.clientY - last.y
    moved += Math.abs(dx) + Math.abs(dy)
    last.x = event.clientX
    last.y = event.clientY
    if (last.pan) drag(film, dx, dy)
    else if (moved > 3) adjust(film, dx, dy)
  })
  const release = event => {
    if (last && moved <= 3 && event.type === "pointerup") choose(film)
    last = null
  }
  canvas.addEventListener("pointerup", release)
  canvas.addEventListener("pointercancel", release)
  canvas.addEventListener("dblclick", () => change(film.state, film, restore))
  canvas.addEventListener("wheel", event => {
    const out = event.deltaY > 0
    if (out && film.zoom <= 1) return // at fit the wheel scrolls the page on
    event.preventDefault()
    const rect = canvas.getBoundingClientRect()
    zoomAt(film, Math.exp(-event.deltaY * 0.0015), event.clientX - rect.left, event.clientY - rect.top)
  }, { passive: false })
  box.addEventListener("keydown", event => press(film, event))
}

function adjust(film, dx, dy) {
  const step = film.home.width >= 255 ? 1 / 255 : 1 / Math.max(1, film.home.width)
  change(film.state, film, other => {
    other.spread = Math.min(8, Math.max(1 / other.home.width, other.spread + dx * step))
    other.level = Math.min(4, Math.max(-4, other.level + dy * step))
  })
}

function drag(film, dx, dy) {
  const { canvas, spec } = film
  const ratio = canvas.width / Math.max(1, canvas.clientWidth)
  const scale = fit(film) * film.zoom
  look(film, film.zoom, film.x - (dx * ratio) / (scale * spec.width), film.y - (dy * ratio) / (scale * spec.height))
}

function press(film, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target !== film.box) return
  const { state, canvas } = film
  const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2]
  const step = by => {
    const next = state.frames[film.index + by]
    if (next) next.focus()
  }
  const actions = {
    i: () => change(state, film, other => { other.invert = !other.invert }),
    " ": () => change(state, film, restore),
    "+": () => zoomAt(film, 1.25, ...middle),
    "-": () => zoomAt(film, 0.8, ...middle),
    "=": () => look(film, 1, 0.5, 0.5),
    u: () => link(state, !state.linked),
    f: () => enlarge(state, film.box),
    Enter: () => choose(film),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    "?": () => { const help = state.root.querySelector(".help"); help.hidden = !help.hidden },
  }
  const preset = PRESETS[event.key]
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (preset) change(state, film, other => { [other.level, other.spread] = preset })
  else if (actions[key]) actions[key]()
  else if (!/^[a-z0-9,.]$/.test(key)) return
  event.preventDefault()
  event.stopPropagation() // letters belong to the film that has the focus, not to the page's own shortcuts
}

// ---------------------------------------------------------------- small parts
function element(name, className, content) {
  const made = document.createElement(name)
  made.className = className
  if (content !== undefined) made.textContent = content
  return made
}

function button(label, title, act) {
  const made = element("button", "button", label)
  made.type = "button"
  made.title = title
  made.addEventListener("click", act)
  return made
}

function text(value) {
  return typeof value === "string" ? value.slice(0, 2000) : ""
}

function say(root, message) {
  root.replaceChildren(element("p", "problem", message))
}
