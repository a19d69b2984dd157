// Mounting: load the drawing library once, draw what the packet says, send back what a person draws.

const mountedMaps = new WeakMap()
const MODES = { lasso: "Lasso", select: "Box", pan: "Pan" }
const SHAPES = { circle: "●", diamond: "◆", "triangle-up": "▲", square: "■", star: "★", cross: "✚", pentagon: "⬟", "triangle-down": "▼" }
let loading = null

export default function (component) {
  const root = component.parentElement.querySelector(".doppel-map")
  if (!root) return
  const packet = readMap(component.data)
  if (!packet) {
    root.replaceChildren(make("p", "problem", "The map did not arrive whole and is not drawn. Reload the page."))
    return
  }
  let state = mountedMaps.get(root)
  if (!state) mountedMaps.set(root, state = build(root))
  state.component = component
  if (state.digest !== packet.header.digest) {
    state.digest = packet.header.digest
    state.packet = packet
    library(packet.header.plotly).then(() => redraw(state)).catch(() =>
      state.words.replaceChildren(make("span", "problem", "The map could not be drawn; nothing else is affected. Reload the page.")))
  }
  return () => {
    const held = mountedMaps.get(root)
    if (held) {
      clearTimeout(held.timer)
      held.watch.disconnect()
      cancelAnimationFrame(held.painting)
      held.forget()
      if (window.Plotly && held.drawn) window.Plotly.purge(held.plot)
    }
    mountedMaps.delete(root)
  }
}

function library(address) {
  if (window.Plotly) return Promise.resolve()
  if (!loading) loading = new Promise((resolve, reject) => {
    const script = make("script")
    script.src = address
    script.onload = resolve
    script.onerror = () => { loading = null; reject(new Error("library")) }
    document.head.append(script)
  })
  return loading
}

function build(root) {
  root.replaceChildren()
  const state = { root, plot: make("div", "plot"), card: make("div", "card"), words: make("div", "legend"), canvas: make("canvas", "crowd"),
    mode: "lasso", hover: null, over: null, keys: "replace", painting: 0 }
  state.pad = state.canvas.getContext("2d")
  const bar = make("div", "toolbar")
  state.buttons = Object.entries(MODES).map(([mode, words]) => {
    const one = make("button", "tool", words)
    one.type = "button"
    one.addEventListener("click", () => drag(state, mode))
    one.dataset.mode = mode
    bar.append(one)
    return one
  })
  const reset = make("button", "tool", "Whole map")
  reset.type = "button"
  reset.addEventListener("click", () => whole(state))
  const clear = make("button", "tool", "Clear selection")
  clear.type = "button"
  clear.addEventListener("click", () => send(state, { kind: "clear" }))
  bar.append(reset, clear, make("span", "hint", "Shift adds, Alt takes away · wheel zooms · Esc clears"))
  state.card.hidden = true
  const frame = make("div", "frame")
  frame.tabIndex = 0
  frame.setAttribute("role", "application")
  frame.setAttribute("aria-label", "Feature-space map; the list of samples below gives the same images")
  frame.append(state.canvas, state.plot, state.card)
  underPointer(state, frame)
  state.words.append(make("span", "hint", "Drawing the map…"))
  frame.addEventListener("pointerdown", e => { state.keys = e.shiftKey ? "add" : e.altKey ? "subtract" : "replace" }, true)
  frame.addEventListener("pointerleave", () => away(state))
  frame.addEventListener("keydown", e => { if (e.key === "Escape") { e.stopPropagation(); send(state, { kind: "clear" }) } })
  root.append(bar, state.words, frame)
  state.watch = new ResizeObserver(() => state.drawn && Promise.resolve(window.Plotly.Plots.resize(state.plot)).then(() => repaint(state)))
  state.watch.observe(frame)
  return state
}

// Resting on and clicking a point of the crowd, which the plot itself does not know.
function underPointer(state, frame) {
  let pressed = null
  const place = event => {
    const room = state.plot.getBoundingClientRect()
    return [event.clientX - room.left, event.clientY - room.top]
  }
  frame.addEventListener("pointermove", event => {
    if (!state.crowd || state.over !== null || event.buttons) return
    const [x, y] = place(event), found = beneath(state, x, y)
    if (found !== null) hovered(state, found, x, y)
    else if (state.hover !== null) away(state)
  })
  // The plot covers the page while a button is down, so what happens then is heard by the window. A lasso may end
  // where it began: a click is what never left its place.
  const still = event => pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) <= 4
  const watched = {
    pointermove: event => { if (!still(event)) pressed = null },
    pointerup: event => {
      const clicked = still(event) && state.crowd && state.over === null
      pressed = null
      const found = clicked ? beneath(state, ...place(event)) : null
      if (found !== null) send(state, { kind: "click", row: found, mode: event.shiftKey ? "add" : "replace" })
    },
  }
  frame.addEventListener("pointerdown", event => { pressed = [event.clientX, event.clientY] }, true)
  for (const [name, heard] of Object.entries(watched)) window.addEventListener(name, heard, true)
  state.forget = () => { for (const [name, heard] of Object.entries(watched)) window.removeEventListener(name, heard, true) }
}

function drag(state, mode) {
  state.mode = mode
  mark(state)
  if (state.drawn) window.Plotly.relayout(state.plot, { dragmode: mode })
}

function mark(state) {
  for (const one of state.buttons) one.setAttribute("aria-pressed", String(one.dataset.mode === state.mode))
}

function edges(header, at) {
  const room = 0.04 * Math.max(header.high[at] - header.low[at], 1e-6)
  return [header.low[at] - room, header.high[at] + room]
}

function whole(state) {
  const { header } = state.packet
  if (state.drawn) window.Plotly.relayout(state.plot, { "xaxis.range": edges(header, 0), "yaxis.range": edges(header, 1) })
}

function layout(state) {
  const { header } = state.packet
  const bare = { showgrid: false, zeroline: false, showticklabels: false, ticks: "", linecolor: header.theme.grid, mirror: true, showline: true }
  return { height: header.height, autosize: true, uirevision: header.frame, dragmode: state.mode, hovermode: "closest", hoverdistance: 14,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: state.crowd ? "rgba(0,0,0,0)" : header.theme.panel, margin: { l: 2, r: 2, t: 2, b: 2 }, showlegend: false,
    xaxis: { ...bare, range: edges(header, 0) }, yaxis: { ...bare, range: edges(header, 1), ...(header.square ? { scaleanchor: "x", scaleratio: 1 } : {}) },
    newselection: { line: { color: header.theme.text, width: 1.5, dash: "dot" } }, font: { family: header.theme.font, color: header.theme.text } }
}

async function redraw(state) {
  const packet = state.packet
  const began = performance.now()
  state.crowd = crowd(packet)
  state.canvas.hidden = !state.crowd
  const { made, rows, many } = traces(packet, state.crowd ? state.crowd.owned : [false, false])
  const points = many + (state.crowd ? state.crowd.rows.length : 0)
  state.rows = rows
  state.over = null
  const config = { displayModeBar: false, scrollZoom: true, responsive: false, doubleClick: false }
  state.plot.style.height = `${packet.header.height}px`
  away(state)
  await window.Plotly.react(state.plot, made, layout(state), config)
  if (!state.drawn) listen(state)
  state.drawn = true
  paint(state)
  mark(state)
  legend(state)
  state.root.dataset.view = packet.header.view
  state.root.dataset.points = String(points)
  state.root.dataset.ms = String(Math.round(performance.now() - began))
  state.root.dataset.digest = packet.header.digest
}

function listen(state) {
  const row = event => {
    for (const point of event && event.points || []) {
      const own = state.rows[point.curveNumber]
      if (own && Number.isInteger(point.pointNumber)) return own[point.pointNumber]
    }
    return null
  }
  state.plot.on("plotly_hover", event => {
    const found = row(event)
    const room = state.plot.getBoundingClientRect()
    state.over = found
    if (found !== null) hovered(state, found, event.event.clientX - room.left, event.event.clientY - room.top)
  })
  state.plot.on("plotly_unhover", () => {
    state.over = null
    away(state)
  })
  for (const name of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) state.plot.on(name, () => repaint(state))
  state.plot.on("plotly_click", event => {
    const found = row(event)
    if (found !== null) send(state, { kind: "click", row: found, mode: event.event && event.event.shiftKey ? "add" : "replace" })
  })
  state.plot.on("plotly_selected", event => {
    if (!event) return
    const shape = event.lassoPoints || event.range
    if (!shape || !shape.x || shape.x.length < 2) return
    const kind = event.lassoPoints ? "lasso" : "box"
    // Plotly fades what its own selection left out, also where nothing was in it; what is selected is said by the server.
    window.Plotly.update(state.plot, { selectedpoints: null }, { selections: [] })
    send(state, { kind, x: Array.from(shape.x, Number), y: Array.from(shape.y, Number), mode: state.keys })
  })
}

function send(state, event) {
  away(state)
  state.component.setTriggerValue("event", { mode: "replace", ...event, view: state.packet.header.view })
}

function legend(state) {
  const { header, arrays } = state.packet
  const counts = new Array(header.looks.length).fill(0)
  let hollow = 0
  for (let i = 0; i < arrays.flags.length; i++) if (arrays.flags[i] & VISIBLE) {
    counts[arrays.layer[i]]++
    if (arrays.flags[i] & OFF_MAP) hollow++
  }
  const entry = (shape, colour, words) => {
    const box = make("span", "entry")
    const sign = make("span", "sign", shape)
    sign.style.color = colour
    box.append(sign, make("span", "", words))
    return box
  }
  const byColour = Boolean(arrays.codes || arrays.values)
  const shown = header.looks.map((look, at) => counts[at] && entry(SHAPES[look.symbol] || "●", byColour ? header.theme.muted : look.colour, `${look.name} ${counts[at].toLocaleString("en")}`))
  if (hollow) shown.push(entry("○", header.theme.muted, `hollow: off the map, position means nothing ${hollow}`))
  if (header.torn) shown.push(entry("×", header.theme.danger, "torn from its true neighbours"))
  if (header.grids.length) shown.push(entry("◌", header.theme.muted, "lines hold 25, 50, 75 % of a layer"))
  if (header.dense) shown.push(entry("▒", "#8fc4ff", "too many to draw one by one: density"))
  const colours = make("span", "colours")
  if (arrays.codes) header.names.forEach((name, at) => colours.append(entry("■", header.colours[at], name)))
  if (arrays.values) {
    const bar = make("span", "bar")
    bar.style.background = `linear-gradient(to right, ${header.scale.join(",")})`
    colours.append(make("span", "", `${header.title}  ${header.range[0].toPrecision(3)}`), bar, make("span", "", header.range[1].toPrecision(3)))
  }
  state.words.replaceChildren(...shown.filter(Boolean), colours)
}
