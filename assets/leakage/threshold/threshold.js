// The handle: mouse, touch and keys move it, the counts follow at once, and the place goes to the server on release.

const mounted = new WeakMap()
const PAUSE_MS = 350

export default function (component) {
  const root = component.parentElement.querySelector(".threshold")
  if (!root) return
  const packet = readPacket(component.data)
  if (!packet) {
    root.replaceChildren(make("p", "problem", "The distances did not arrive whole and are not drawn. Reload the page."))
    return
  }
  let state = mounted.get(root)
  if (!state) mounted.set(root, state = build(root))
  state.component = component
  if (!state.packet || state.packet.header.view !== packet.header.view) {
    state.packet = packet
    state.threshold = packet.header.threshold
    legend(state)
    fit(state)
  }
  return () => {
    const held = mounted.get(root)
    if (held) {
      clearTimeout(held.timer)
      held.watch.disconnect()
    }
    mounted.delete(root)
  }
}

function build(root) {
  root.replaceChildren()
  const state = { root, cards: {}, timer: 0, width: 0 }
  const cards = make("div", "cards")
  for (const [name, title] of [["near", "Near-copies"], ["exposed", "Training patients exposed"], ["held", "False alarms on the control"]]) {
    const card = make("div", `card ${name}`)
    const parts = { main: make("div", "main"), of: make("div", "of"), rest: make("div", "rest"), more: make("div", "more") }
    card.append(make("div", "title", title), parts.main, parts.of, parts.rest, parts.more)
    state.cards[name] = parts
    cards.append(card)
  }
  state.legend = make("div", "legend")
  state.frame = make("div", "frame")
  state.svg = draw("svg", { "aria-hidden": "true" })
  state.shade = make("div", "shade")
  state.handle = make("div", "handle")
  state.handle.append(make("span", "grip", "‹ ›"))
  Object.entries({ role: "slider", tabindex: "0", "aria-label": "Near-copy threshold", "aria-orientation": "horizontal" }).forEach(([key, value]) => state.handle.setAttribute(key, value))
  state.frame.append(state.svg, state.shade, state.handle)
  const foot = make("div", "foot")
  state.place = make("span", "place")
  state.back = make("button", "back", "Back to the calibrated threshold (Enter)")
  state.back.type = "button"
  foot.append(state.place, state.back, make("span", "hint", "Drag the line, or use ← → (Shift: larger steps)"))
  root.append(cards, state.legend, state.frame, foot)
  listen(state)
  state.watch = new ResizeObserver(() => fit(state))
  state.watch.observe(state.frame)
  return state
}

function legend(state) {
  const { header, arrays } = state.packet
  state.legend.replaceChildren(...[...header.looks].reverse().map(look => {
    const entry = make("span", "entry"), line = draw("svg", { width: 30, height: 10, "aria-hidden": "true" })
    line.append(draw("line", { x1: 1, x2: 29, y1: 5, y2: 5, stroke: look.colour, "stroke-width": look.array === "samples" ? 3 : 2, "stroke-dasharray": DASHES[look.dash] || "" }))
    entry.append(line, make("span", "", `${look.name}, n = ${count(arrays[look.array].length)}`))
    return entry
  }))
}

function fit(state) {
  const width = Math.floor(state.frame.clientWidth)
  if (!state.packet || width < 120) return
  state.width = width
  state.at = plot(state.svg, state.packet, width)
  show(state)
}

function card(parts, hits, n, of, more) {
  const { main, rest } = told(hits, n)
  parts.main.textContent = main
  parts.of.textContent = n ? of : "no such images here"
  parts.rest.textContent = rest
  parts.more.textContent = more
}

function show(state) {
  const { header, arrays } = state.packet, { threshold, at } = state
  const found = counted(state.packet, threshold), n = arrays.samples.length
  const near = `${count(found.near)} of ${count(n)} samples`
  const exposed = `${count(found.exposed)} of ${count(header.seen)} patients`
  const held = `${count(found.held)} of ${count(arrays.held.length)} held-out images`
  card(state.cards.near, found.near, n, near, "")
  card(state.cards.exposed, found.exposed, header.seen, exposed, found.unseen ? `${count(found.unseen)} near-copies match patients it never saw` : "")
  card(state.cards.held, found.held, arrays.held.length, held, arrays.held.length ? `${count(header.people)} held-out patients` : "")
  const x = at.x(threshold)
  state.handle.style.left = `${x}px`
  state.shade.style.left = `${MARGIN.left}px`
  state.shade.style.width = `${Math.max(0, x - MARGIN.left)}px`
  state.place.textContent = `Threshold ${threshold.toFixed(4)}, corrected p ${found.p.toFixed(4)}`
  const set = (name, value) => state.handle.setAttribute(name, String(value))
  set("aria-valuemin", header.low)
  set("aria-valuemax", header.high)
  set("aria-valuenow", threshold)
  set("aria-valuetext", `${threshold.toFixed(4)}: near-copies ${near}; exposed ${exposed}; false alarms ${held}`)
  state.back.disabled = header.limit === null || threshold === header.limit
  state.root.dataset.view = header.view
}

function move(state, value) {
  const { low, high } = state.packet.header
  state.threshold = Math.min(high, Math.max(low, value))
  show(state)
}

function commit(state) {
  clearTimeout(state.timer)
  state.component.setStateValue("threshold", { value: state.threshold, view: state.packet.header.view })
}

function listen(state) {
  const under = event => state.at.back(event.clientX - state.frame.getBoundingClientRect().left)
  let held = null
  const take = event => {
    if (event.button !== 0 || !state.packet) return
    held = event.pointerId
    state.frame.setPointerCapture(held)
    move(state, under(event))
    state.handle.focus({ preventScroll: true })
    event.preventDefault()
  }
  state.frame.addEventListener("pointerdown", take)
  state.frame.addEventListener("pointermove", event => { if (event.pointerId === held) move(state, under(event)) })
  const drop = event => {
    if (event.pointerId !== held) return
    held = null
    commit(state)
  }
  state.frame.addEventListener("pointerup", drop)
  state.frame.addEventListener("pointercancel", drop)
  state.back.addEventListener("click", () => home(state))
  state.handle.addEventListener("keydown", event => key(state, event))
}

function home(state) {
  if (state.packet.header.limit === null) return
  move(state, state.packet.header.limit)
  commit(state)
}

function key(state, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const header = state.packet.header, { low, high } = header
  const step = 1 / (event.shiftKey ? 25 : 250)
  const ways = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -0.1, PageUp: 0.1 }
  if (event.key in ways) move(state, valueAt(header, place(header, state.threshold) + ways[event.key]))
  else if (event.key === "Home") move(state, low)
  else if (event.key === "End") move(state, high)
  else if (event.key === "Enter") home(state)
  else return
  event.preventDefault()
  event.stopPropagation()
  clearTimeout(state.timer)
  state.timer = setTimeout(() => commit(state), PAUSE_MS)
}
