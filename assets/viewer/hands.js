// Mouse and touch, as radiology viewers have them: left drag = window and level, middle or shift drag = pan, right
// drag = zoom, wheel = frames of a stack or zoom at the pointer. A page that scrolls keeps its wheel until a film has
// been clicked, or Ctrl is held.

const CLICK_PX = 3

function listen(film) {
  const { canvas, box, state } = film
  let held = null
  const on = (name, act, options) => canvas.addEventListener(name, guarded(box, act), options)
  on("pointerdown", event => {
    if (event.button > 2) return
    event.preventDefault() // no text selection, no autoscroll
    if (fingerDown(film, event)) {
      if (held) takeBack(film, held)
      held = null
      return
    }
    const before = together(state, film).map(other => [other, { ...other.view }])
    held = { x: event.clientX, y: event.clientY, what: doing(state, event), moved: 0, button: event.button, region: null, before }
    canvas.setPointerCapture(event.pointerId)
    box.focus({ preventScroll: true })
    if (held.what === "mark") held.region = startRegion(film, imagePoint(film, event))
  })
  on("pointermove", event => {
    if (fingerMove(film, event)) return
    if (!held) { point(state, relative(film, event), film); return }
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y]
    held.moved += Math.abs(dx) + Math.abs(dy)
    Object.assign(held, { x: event.clientX, y: event.clientY })
    moving(state)
    if (held.what === "mark") { if (held.region) stretch(film, held.region, imagePoint(film, event)) }
    else if (held.what === "pan") pan(film, dx, dy)
    else if (held.moved <= CLICK_PX) return
    else if (held.what === "zoom") zoomAt(film, Math.exp(-dy * 0.01), canvas.clientWidth / 2, canvas.clientHeight / 2)
    else adjust(film, dx, dy)
  })
  const release = event => {
    fingerUp(film, event)
    if (!held) return
    const { region, moved, button: which } = held
    held = null
    if (region) keepRegions(state)
    else if (moved <= CLICK_PX && event.type === "pointerup" && which === 0) choose(film)
  }
  on("pointerup", release)
  on("pointercancel", release)
  on("pointerleave", () => { if (!held) point(state, null, null) })
  // A page that scrolls under one finger must not scroll under two.
  on("touchstart", event => { if (event.touches.length > 1) event.preventDefault() }, { passive: false })
  on("contextmenu", event => event.preventDefault())
  on("dblclick", () => restore(state, film))
  on("wheel", event => wheel(film, event), { passive: false })
  box.addEventListener("focus", guarded(box, () => activate(film)))
}

function doing(state, event) {
  if (event.button === 1 || event.shiftKey) return "pan"
  return event.button === 2 ? "zoom" : state.tool
}

function wheel(film, event) {
  const { state, canvas, spec } = film
  const forced = event.ctrlKey || event.metaKey
  const near = state.root.getRootNode().activeElement
  if (!forced && !(near && state.root.contains(near))) { hint(film); return }
  event.preventDefault()
  moving(state)
  const rect = canvas.getBoundingClientRect()
  if (spec.frames > 1 && !forced) {
    film.rolled = (film.rolled || 0) + event.deltaY
    const by = Math.trunc(film.rolled / 40)
    film.rolled -= by * 40
    if (by) step(state, film, clamp(by, -3, 3))
    return
  }
  zoomAt(film, Math.exp(-event.deltaY * 0.0015), event.clientX - rect.left, event.clientY - rect.top)
}

// Said once in a while, and only to who wheels over a film: why the page moved and not the film.
function hint(film) {
  clearTimeout(film.hintTimer)
  if (!film.hint) {
    film.hint = element("span", "hint", film.spec.frames > 1 ? "Click, then the wheel turns frames" : "Click, then the wheel zooms")
    film.screen.append(film.hint)
  }
  film.hint.classList.add("shown")
  film.hintTimer = setTimeout(() => film.hint.classList.remove("shown"), 1200)
}

function imagePoint(film, event) {
  const { canvas } = film
  const rect = canvas.getBoundingClientRect()
  const ratio = canvas.width / Math.max(1, canvas.clientWidth)
  return toImage(film.geometry.matrix, (event.clientX - rect.left) * ratio, (event.clientY - rect.top) * ratio)
}

function relative(film, event) {
  if (!film.geometry) return null
  const [x, y] = imagePoint(film, event)
  return [x / film.spec.width, y / film.spec.height]
}

function choose(film) {
  const { state, index } = film
  if (state.header.selectable === true) state.component.setTriggerValue("picked", index)
}

// The divider of the swipe: dragged, or moved with the arrow keys.
function swiping(film) {
  const { divider, canvas, state } = film
  const to = share => {
    state.swipe = clamp(share, 0, 1)
    comparing(state)
    later(film)
  }
  let held = false
  divider.addEventListener("pointerdown", event => { held = true; divider.setPointerCapture(event.pointerId); event.preventDefault(); divider.focus() })
  divider.addEventListener("pointerup", () => { held = false })
  divider.addEventListener("pointermove", guarded(divider, event => {
    const rect = canvas.getBoundingClientRect()
    if (held) to((event.clientX - rect.left) / Math.max(1, rect.width))
  }))
  divider.addEventListener("keydown", guarded(divider, event => {
    const by = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key]
    if (by) { to(state.swipe + by); event.preventDefault(); event.stopPropagation() }
  }))
}
