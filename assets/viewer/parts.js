// Small parts: elements, icons, text, and the guard that keeps one broken film from taking the page with it.
// The files of this folder are joined in a fixed order into one module; main.js is the last.

const SVG = "http://www.w3.org/2000/svg"
const TAGS = ["REAL", "SYNTHETIC", "PHANTOM"]
const MAX_TEXT = 2000

// Strokes on a 16 x 16 grid.
const ICONS = {
  link: "M6.5 9.5l3-3M7 4.5l1.2-1.2a2.7 2.7 0 0 1 3.8 3.8L10.8 8.3M9 11.5l-1.2 1.2A2.7 2.7 0 0 1 4 8.9l1.2-1.2",
  window: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 2.5v11M8 5h3.6M8 8h5.4M8 11h3.6",
  pan: "M8 2v12M2 8h12M6.3 3.7L8 2l1.7 1.7M6.3 12.3L8 14l1.7-1.7M3.7 6.3L2 8l1.7 1.7M12.3 6.3L14 8l-1.7 1.7",
  zoom: "M7 2.7a4.3 4.3 0 1 0 0 8.6a4.3 4.3 0 1 0 0-8.6M10.2 10.2L14 14M5 7h4M7 5v4",
  mark: "M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11M8 5.8v4.4M5.8 8h4.4",
  lens: "M7 2.7a4.3 4.3 0 1 0 0 8.6a4.3 4.3 0 1 0 0-8.6M10.2 10.2L14 14",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  invert: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 2.5a5.5 5.5 0 0 1 0 11z",
  flipH: "M8 2v12M6 4.5L2.5 11.5H6zM10 4.5l3.5 7H10z",
  flipV: "M2 8h12M4.5 6L11.5 2.5V6zM4.5 10l7 3.5V10z",
  right: "M12.8 8A4.8 4.8 0 1 1 10.6 4M10.8 1.8v2.5H8.3",
  left: "M3.2 8A4.8 4.8 0 1 0 5.4 4M5.2 1.8v2.5h2.5",
  reset: "M3 8a5 5 0 1 0 1.6-3.7M4.3 1.8v2.7H7",
  swipe: "M8 2v12M2.5 4h3.2v8H2.5zM10.3 4h3.2v8h-3.2z",
  blink: "M1.8 8C4 4.6 6 3.8 8 3.8s4 .8 6.2 4.2C12 11.4 10 12.2 8 12.2S4 11.4 1.8 8M8 6.2a1.8 1.8 0 1 0 0 3.6a1.8 1.8 0 1 0 0-3.6",
  difference: "M6 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8M10 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8",
  checker: "M2.5 2.5h11v11h-11zM8 2.5v11M2.5 8h11M3 3h5v5H3zM8 8h5v5H8z",
  play: "M4.5 3v10l8.5-5z",
  pause: "M5 3v10M11 3v10",
  whole: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10M6.5 6.5l-3-3M9.5 9.5l3 3M9.5 6.5l3-3M6.5 9.5l-3 3",
  lock: "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  mask: "M8 2.5c3 0 5 2 5 5s-2 6-5 6s-5-3-5-6s2-5 5-5M3.5 6.5l6-3.5M3.2 9.3l9-5.2M4.6 11.6l8.2-4.8M7.5 13.2l4.9-2.8",
}

function element(name, className, content) {
  const made = document.createElement(name)
  if (className) made.className = className
  if (content !== undefined) made.textContent = content
  return made
}

function icon(name) {
  const drawn = document.createElementNS(SVG, "svg")
  drawn.setAttribute("viewBox", "0 0 16 16")
  drawn.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(SVG, "path")
  path.setAttribute("d", ICONS[name])
  drawn.append(path)
  return drawn
}

// A button with an icon (its label is then for screen readers and the tooltip) or with words.
function button(label, title, act, drawn) {
  const made = element("button", "button", drawn ? undefined : label)
  made.type = "button"
  made.title = title
  if (drawn) {
    made.classList.add("icon")
    made.append(icon(drawn))
    made.setAttribute("aria-label", label)
  }
  made.addEventListener("click", guarded(made, act))
  return made
}

function toggle(label, title, act, drawn) {
  const made = button(label, title, act, drawn)
  made.classList.add("toggle")
  made.setAttribute("aria-pressed", "false")
  return made
}

function press(made, on) {
  made.setAttribute("aria-pressed", String(on))
}

function text(value) {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : ""
}

function whole(value, low, high) {
  return Number.isInteger(value) && value >= low && value <= high
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value))
}

function say(root, message) {
  root.replaceChildren(element("p", "problem", message))
}

// An error in a handler or a frame is told in the viewer it happened in, and goes no further.
function guarded(inside, act) {
  return (...given) => {
    try {
      return act(...given)
    } catch (error) {
      const root = inside.closest ? inside.closest(".viewer") : null
      if (root) fail(root)
      return undefined
    }
  }
}

function fail(root) {
  const state = mounted.get(root)
  if (state) unmount(state)
  mounted.delete(root)
  say(root, "The viewer could not draw these films; nothing else is affected. Reload the page.")
}
