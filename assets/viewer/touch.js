// Two fingers on a film: the point under their middle stays under it, and their distance is the zoom. One finger does
// what the left button of a mouse does.

// Whether a finger joined others, so that together they pinch and do nothing else.
function fingerDown(film, event) {
  if (event.pointerType !== "touch") return false
  film.fingers.set(event.pointerId, [event.clientX, event.clientY])
  film.pinch = film.fingers.size > 1 ? spread(film) : null
  return film.pinch !== null
}

function fingerMove(film, event) {
  if (!film.fingers.has(event.pointerId)) return false
  film.fingers.set(event.pointerId, [event.clientX, event.clientY])
  if (!film.pinch) return false
  const [last, next] = [film.pinch, spread(film)]
  film.pinch = next
  moving(film.state)
  pan(film, next.x - last.x, next.y - last.y)
  const rect = film.canvas.getBoundingClientRect()
  if (last.far > 0 && next.far > 0) zoomAt(film, next.far / last.far, next.x - rect.left, next.y - rect.top)
  return true
}

// A finger that stays when the other is lifted does nothing until it is lifted too.
function fingerUp(film, event) {
  film.fingers.delete(event.pointerId)
  film.pinch = film.fingers.size > 1 ? spread(film) : null
}

function spread(film) {
  const [[x0, y0], [x1, y1]] = [...film.fingers.values()]
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, far: Math.hypot(x1 - x0, y1 - y0) }
}

// What the first finger did before the second came was no drag: it is taken back.
function takeBack(film, held) {
  held.before.forEach(([other, view]) => { Object.assign(other.view, view); later(other) })
  if (held.region) film.state.regions.splice(film.state.regions.indexOf(held.region.region), 1)
  showWindow(film.state)
}
