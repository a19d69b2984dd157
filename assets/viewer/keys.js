// Keys, those of OHIF where it has them. None of them leaves the viewer: the page keeps R and C for itself.

const HELP = [
  ["Left drag", "window and level"], ["Wheel", "zoom at the pointer, or frames of a stack"],
  ["Middle or Shift drag", "pan"], ["Right drag", "zoom"], ["Ctrl wheel", "zoom, always"],
  ["Space, double click", "reset"], ["1 2 3 4", "window presets"], ["I", "invert"], ["H  V", "flip left-right, up-down"],
  ["R  L", "rotate right, left"], ["+  −  =  0", "zoom in, out, fit, 1:1"], ["← →", "previous, next film"],
  ["↑ ↓", "previous, next frame"], ["P", "play or pause"], ["U", "link or unlink"], ["S  B", "swipe, blink"],
  ["D  K", "difference, checkerboard"], ["M", "magnifier"], ["O", "masks"], ["F", "enlarge"], [",  .", "previous, next layout"], ["Two fingers", "zoom and pan"], ["Enter", "choose this film"], ["Page up, down", "previous, next case"],
  ["Delete", "remove the last region"], ["Esc", "leave: the page scrolls again"], ["?", "this list"],
]

function actionsOf(film) {
  const { state, canvas } = film
  const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2]
  return {
    i: () => invert(state, film),
    h: () => flip(state, film, "flipH"),
    v: () => flip(state, film, "flipV"),
    r: () => rotate(state, film, 1),
    l: () => rotate(state, film, -1),
    " ": () => restore(state, film),
    "+": () => zoomAt(film, 1.25, ...middle),
    "-": () => zoomAt(film, 0.8, ...middle),
    "=": () => fitAll(state, film),
    0: () => actualSize(state, film),
    1: () => preset(state, film, 0),
    2: () => preset(state, film, 1),
    3: () => preset(state, film, 2),
    4: () => preset(state, film, 3),
    u: () => link(state, !state.linked),
    s: () => compare(state, "swipe"),
    b: () => compare(state, "blink"),
    d: () => compare(state, "difference"),
    k: () => compare(state, "checker"),
    m: () => magnify(state),
    o: () => showMask(state, state.opacity > 0 ? 0 : 0.4),
    p: () => cine(state, !state.playing),
    f: () => enlarge(state, film.box),
    ",": () => arrange(state, state.stage - 1),
    ".": () => arrange(state, state.stage + 1),
    "?": () => help(state),
    Enter: () => choose(film),
    PageUp: () => turnPage(state, -1),
    PageDown: () => turnPage(state, 1),
    Delete: () => dropRegion(state),
    Backspace: () => dropRegion(state),
    ArrowLeft: () => walk(state, film, -1),
    ArrowRight: () => walk(state, film, 1),
    ArrowUp: () => step(state, film, -1),
    ArrowDown: () => step(state, film, 1),
    Escape: () => film.box.blur(),
  }
}

function walk(state, film, by) {
  for (let at = film.index + by; at >= 0 && at < state.frames.length; at += by) {
    if (state.films[at] && !state.frames[at].classList.contains("off")) {
      if (state.grid.classList.contains("one")) enlarge(state, state.frames[at])
      state.frames[at].focus()
      return
    }
  }
}

function turnPage(state, by) {
  if (state.header.stepping === true) state.component.setTriggerValue("stepped", by)
}

function keyed(state, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return
  const digit = /^Digit[1-9]$/.test(event.code) ? Number(event.code.slice(5)) : 0
  // In a blinded reading digits and Enter are answers and belong to the page; windows move to Shift and digit.
  const reading = state.header.blinded === true
  if (reading && !event.shiftKey && (digit || event.key === "Enter")) return
  event.stopPropagation()
  if (event.type !== "keydown" || event.target.matches("input, select, .divider")) return
  const film = state.films.find(one => one && one.box === event.target)
  if (!film) {
    if (event.key === "?") help(state)
    return
  }
  if (reading && event.shiftKey && digit) {
    preset(state, film, digit - 1)
    event.preventDefault()
    return
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  const act = actionsOf(film)[key]
  if (!act) return
  act()
  event.preventDefault()
}

function help(state) {
  if (!state.help) {
    state.help = element("dl", "help")
    for (const [keys, words] of HELP) {
      const row = element("div", "row")
      row.append(element("dt", "", keys), element("dd", "", words))
      state.help.append(row)
    }
    state.help.hidden = true
    state.bar.after(state.help)
  }
  state.help.hidden = !state.help.hidden
  state.keysButton.setAttribute("aria-expanded", String(!state.help.hidden))
}
