// Where the page calls in: once for every rerun, with the same element as long as the component stays on the page.

const mounted = new WeakMap()
const dressed = new WeakSet()
let sheet = null

export default function (component) {
  const root = component.parentElement.querySelector(".viewer")
  if (!root) return undefined
  try {
    show(root, component)
  } catch (error) {
    fail(root)
  }
  return () => {
    const state = mounted.get(root)
    if (state) unmount(state)
    mounted.delete(root)
  }
}

// The style comes with the script; each viewer lives in a root of its own and takes it in once.
function dress(root) {
  const home = root.getRootNode()
  if (dressed.has(home)) return
  if (!sheet) {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
  }
  home.adoptedStyleSheets = [...home.adoptedStyleSheets, sheet]
  dressed.add(home)
}

function show(root, component) {
  dress(root)
  const header = read(component.data)
  if (!header) {
    const state = mounted.get(root)
    if (state) unmount(state)
    mounted.delete(root)
    say(root, "These films did not arrive whole and are not shown. Reload the page.")
    return
  }
  const shape = shapeOf(header)
  let state = mounted.get(root)
  const retry = state && state.failed && state.token !== text(header.token)
  if (!state || state.shape !== shape || retry) state = mount(root, header, shape, state)
  state.component = component
  state.header = header
  if (state.token !== text(header.token)) state.regions = givenRegions(header, header.viewports.length)
  state.token = text(header.token)
  header.viewports.forEach((spec, index) => {
    const film = state.films[index]
    if (film && samePixels(film.next, spec)) label(film, spec)
    else if (film) fill(film, spec)
  })
  mark(state)
  credit(state)
}

const samePixels = (one, other) => text(one.url) === text(other.url) && text(one.mask && one.mask.url) === text(other.mask && other.mask.url) &&
  JSON.stringify(one.window) === JSON.stringify(other.window)

// What must be the same for the frames to stay: sizes, layout and tools. Pixels and words are changed within them.
function shapeOf(header) {
  const films = header.viewports.map(one => [
    one.length, one.width, one.height, one.channels, one.depth, one.frames, one.withheld === true, Boolean(one.mask), text(one.modality),
  ])
  return JSON.stringify([films, stagesOf(header), header.tools, header.blinded, header.marking])
}

// Choices that are about the hands and not about the films outlive a change of films.
function mount(root, header, shape, previous) {
  if (previous) unmount(previous)
  const masks = header.masks === true ? 0.4 : 0
  const { lens = false, opacity = masks, rate = 20, tool = "window", swipe = 0.5, unseen = new Set() } = previous || {}
  const stages = stagesOf(header)
  const linked = previous ? previous.linked : header.linked !== false
  const state = {
    root, header, shape, linked, lens, opacity, rate, tool, swipe, films: [], frames: [], tools: {}, modes: {}, mode: "", partner: 1,
    stages, stage: 0, unseen, regions: [], token: null, at: null, pointed: null, active: null, playing: false, closed: false,
  }
  mounted.set(root, state)
  state.bar = toolbar(state)
  press(state.lensButton, lens)
  const grid = element("div", "grid")
  state.grid = grid
  state.credit = element("p", "credit")
  root.replaceChildren(state.bar, grid, state.credit)
  header.viewports.forEach((spec, index) => grid.append(frame(state, spec, index)))
  arrange(state, previous && JSON.stringify(previous.stages) === JSON.stringify(stages) ? previous.stage : 0)
  showFrames(state)
  showWindow(state)
  state.observer = new ResizeObserver(guarded(root, () => redraw(state)))
  state.observer.observe(grid)
  state.keys = guarded(root, event => keyed(state, event))
  for (const name of ["keydown", "keyup", "keypress"]) root.addEventListener(name, state.keys)
  return state
}

function unmount(state) {
  state.closed = true
  state.playing = false
  if (state.observer) state.observer.disconnect()
  clearInterval(state.blinkTimer)
  clearTimeout(state.restTimer)
  for (const film of state.films) if (film && film.pending) cancelAnimationFrame(film.pending)
  for (const name of ["keydown", "keyup", "keypress"]) state.root.removeEventListener(name, state.keys)
}

// Whom to name for the films on screen; a blinded packet names nobody.
function credit(state) {
  const given = Array.isArray(state.header.credits) ? state.header.credits.slice(0, MAX_FILMS) : []
  const named = state.header.blinded === true ? [] : given.map(text).filter(Boolean)
  state.credit.textContent = named.length ? `Films: ${named.join(" · ")}` : ""
  state.credit.hidden = !named.length
}

function mark(state) {
  const { selectable, selected } = state.header
  state.frames.forEach((box, index) => {
    const on = selectable === true && selected === index
    box.classList.toggle("selected", on)
    if (selectable === true) box.setAttribute("aria-current", String(on))
  })
}
