// The toolbar: what the left button does, windows, turns, ways to compare, frames. Everything here has a key too.

const TOOLS = { window: "Window", pan: "Pan", zoom: "Zoom", mark: "Mark a region" }
const RATES = [5, 10, 15, 20, 25, 30, 50]

function toolbar(state) {
  const bar = element("div", "toolbar")
  bar.setAttribute("role", "toolbar")
  bar.setAttribute("aria-label", "Viewer tools")
  const { header } = state
  const all = header.tools === "full"
  const several = header.viewports.length > 1
  const groups = [linking(state, several), hanging(state), hands(state, all, header.marking === true), windows(state)]
  groups.push(placing(state, all))
  if (all) groups.push(turning(state))
  if (several && all) groups.push(comparisons(state))
  groups.push(stack(state, header.viewports), masks(state, header.viewports), [wholeScreen(state), keysButton(state)])
  for (const made of groups.filter(group => group.length)) {
    const group = element("div", "group")
    group.append(...made)
    bar.append(group)
  }
  return bar
}

const target = state => state.active || state.films.find(Boolean)

function linking(state, several) {
  state.link = toggle("Linked", "Window, zoom, pan and frame apply to all films (U)", () => link(state, !state.linked), "link")
  state.link.classList.remove("icon")
  state.link.removeAttribute("aria-label")
  state.link.append(element("span", "word", "Linked"))
  link(state, state.linked)
  return several ? [state.link] : []
}

function hands(state, all, marking) {
  const names = Object.keys(TOOLS).filter(name => (name === "mark" ? marking : all))
  state.tools = Object.fromEntries(names.map(name =>
    [name, toggle(TOOLS[name], `${TOOLS[name]}: what dragging with the left button does`, () => take(state, state.tool === name && name === "mark" ? "window" : name), name)]))
  state.lensButton = toggle("Magnifier", "Magnifier at the same place in all films (M)", () => magnify(state), "lens")
  take(state, state.tool)
  return [...Object.values(state.tools), ...(all ? [state.lensButton] : [])]
}

function take(state, name) {
  state.tool = name
  for (const [each, made] of Object.entries(state.tools)) press(made, each === name)
  state.root.dataset.tool = name
}

function magnify(state) {
  state.lens = !state.lens
  press(state.lensButton, state.lens)
  redraw(state)
}

function windows(state) {
  const choice = element("select", "choice")
  choice.title = "Window presets (1-4)"
  choice.setAttribute("aria-label", "Window preset")
  choice.addEventListener("change", guarded(choice, () => {
    if (choice.value !== "") preset(state, target(state), Number(choice.value))
  }))
  state.choice = choice
  return [choice, button("Invert", "Invert (I)", () => invert(state, target(state)), "invert")]
}

// The menu says which preset is on, and nothing once a hand has changed it.
function showWindow(state) {
  const film = target(state)
  if (!film || !state.choice || !film.span) return
  const list = film.presets.slice(0, 4)
  const names = list.map((one, at) => `${at + 1}  ${text(one.name)}`)
  if (state.choice.dataset.of !== names.join()) {
    state.choice.dataset.of = names.join()
    state.choice.replaceChildren(new Option("Window", ""), ...names.map((name, at) => new Option(name, String(at))))
  }
  const { level, spread } = film.view
  const at = list.findIndex((_, number) => {
    const one = windowOfPreset(film, number)
    return Math.abs(one.level - level) < 1e-9 && Math.abs(one.spread - spread) < 1e-9
  })
  state.choice.value = at >= 0 ? String(at) : ""
}

function placing(state, all) {
  const reset = button("Reset", "Reset (space or double click)", () => restore(state, null), "reset")
  if (!all) return [reset]
  return [
    button("Fit", "Fit (=)", () => fitAll(state, target(state)), "fit"),
    button("1:1", "One image pixel on one screen pixel (0)", () => actualSize(state, target(state))),
    reset,
  ]
}

function turning(state) {
  return [
    button("Rotate left", "Rotate left (L)", () => rotate(state, target(state), -1), "left"),
    button("Rotate right", "Rotate right (R)", () => rotate(state, target(state), 1), "right"),
    button("Flip left and right", "Flip left and right (H)", () => flip(state, target(state), "flipH"), "flipH"),
    button("Flip up and down", "Flip up and down (V)", () => flip(state, target(state), "flipV"), "flipV"),
  ]
}

function comparisons(state) {
  const keys = { swipe: "S", blink: "B", difference: "D", checker: "K" }
  state.modes = Object.fromEntries(MODES.map(mode =>
    [mode, toggle(MODE_WORDS[mode].split(" ")[0], `${MODE_WORDS[mode]}: first film and the film last clicked (${keys[mode]})`, () => compare(state, mode), mode)]))
  return Object.values(state.modes)
}

function stack(state, viewports) {
  const most = Math.max(...viewports.map(one => (sized(one) ? one.frames : 1)))
  if (most < 2) return []
  state.play = toggle("Play", "Play or pause (P)", () => cine(state, !state.playing), "play")
  const slider = range("Frame", 0, most - 1, 1, value => {
    const film = stacked(state)
    if (film) step(state, film, value - film.frame)
  })
  state.frameSlider = slider
  const rate = element("select", "choice")
  rate.setAttribute("aria-label", "Frames a second")
  for (const each of RATES) rate.append(new Option(`${each} fps`, String(each), each === state.rate, each === state.rate))
  rate.addEventListener("change", () => { state.rate = Number(rate.value); if (state.playing) cine(state, true) })
  return [state.play, slider, rate]
}

// The stack that the slider speaks of: the film in use, or the first that has frames.
function stacked(state) {
  const film = target(state)
  return film && film.spec.frames > 1 ? film : state.films.find(one => one && one.spec.frames > 1)
}

function showFrames(state) {
  const film = stacked(state)
  if (film && state.frameSlider) state.frameSlider.value = String(film.frame)
}

function masks(state, viewports) {
  if (!viewports.some(one => sized(one) && masked(one))) return []
  const slider = range("Mask opacity", 0, 1, 0.05, value => showMask(state, value))
  slider.value = String(state.opacity)
  state.maskSlider = slider
  state.maskButton = toggle("Mask", "Show or hide masks (O)", () => showMask(state, state.opacity > 0 ? 0 : 0.4), "mask")
  return [state.maskButton, slider]
}

function showMask(state, opacity = state.opacity) {
  state.opacity = opacity
  if (!state.maskSlider) return
  state.maskSlider.value = String(opacity)
  press(state.maskButton, opacity > 0)
  legend(state)
  redraw(state)
}

function range(name, low, high, by, act) {
  const slider = element("input", "range")
  Object.assign(slider, { type: "range", min: low, max: high, step: by, title: name })
  slider.setAttribute("aria-label", name)
  slider.addEventListener("input", guarded(slider, () => act(Number(slider.value))))
  return slider
}

function wholeScreen(state) {
  return button("Full screen", "Full screen (Esc leaves)", () => {
    if (state.root.getRootNode().fullscreenElement || document.fullscreenElement) document.exitFullscreen()
    else state.root.requestFullscreen().catch(() => {}) // a browser may forbid it; the films stay as they are
  }, "whole")
}

function keysButton(state) {
  state.keysButton = button("Keys", "Mouse and keyboard (?)", () => help(state))
  state.keysButton.setAttribute("aria-expanded", "false")
  return state.keysButton
}
