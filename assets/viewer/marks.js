// Things laid over the films that belong to a place in the image: the pointer's twin in every viewport with the value
// under it, the magnifier, and regions that a person marks.

const MAX_REGIONS = 20
const LENS_ZOOM = 3

// The same relative place in every film: `at` is [x, y] in parts of the image, or null when the pointer is elsewhere.
function point(state, at, source) {
  state.at = at
  state.pointed = source
  state.films.forEach(film => {
    if (!film) return
    placeCursor(film)
    if (state.lens) later(film)
  })
}

function placeCursor(film) {
  const { state, geometry, canvas, spec } = film
  const shown = state.at && film.samples && geometry && (state.linked || film === state.pointed)
  film.cursor.hidden = !shown || film === state.pointed
  film.value.hidden = !shown
  if (!shown) return
  const [x, y] = [state.at[0] * spec.width, state.at[1] * spec.height]
  const ratio = canvas.width / Math.max(1, canvas.clientWidth)
  const [left, top] = toScreen(geometry.matrix, x, y)
  film.cursor.style.transform = `translate(${left / ratio}px, ${top / ratio}px)`
  film.value.textContent = valueAt(film, Math.floor(x), Math.floor(y))
}

function valueAt(film, x, y) {
  const { width, height, channels } = film.spec
  if (x < 0 || y < 0 || x >= width || y >= height) return ""
  const at = ((film.frame * height + y) * width + x) * channels
  const value = channels === 1 ? film.samples[at].toLocaleString("en") : [...film.samples.subarray(at, at + 3)].join(" ")
  const label = film.mask ? `  ${labelAt(film, x, y)}` : ""
  return `${value}${label}\nx ${x}  y ${y}`
}

function labelAt(film, x, y) {
  const { width, height, mask } = film.spec
  const label = film.mask[(mask.frames === 1 ? 0 : film.frame * width * height) + y * width + x]
  return (label && nameOf(film, label)) || `label ${label}`
}

function lens(film, pen) {
  const { state, canvas, spec } = film
  if (!state.lens || !state.at || !(state.linked || film === state.pointed)) return
  const [ix, iy] = [state.at[0] * spec.width, state.at[1] * spec.height]
  const [x, y] = toScreen(film.geometry.matrix, ix, iy)
  const radius = Math.min(canvas.width, canvas.height) * 0.19
  const [a, b, c, d] = film.geometry.matrix.map(value => value * LENS_ZOOM)
  const matrix = [a, b, c, d, Math.round(x - a * ix - c * iy), Math.round(y - b * ix - d * iy)]
  pen.save()
  pen.beginPath()
  pen.arc(x, y, radius, 0, Math.PI * 2)
  pen.clip()
  pen.fillStyle = "#000"
  pen.fillRect(x - radius, y - radius, radius * 2, radius * 2)
  paint(film, pen, { matrix, scale: film.geometry.scale * LENS_ZOOM }, [x - radius, y - radius, x + radius, y + radius])
  pen.restore()
  pen.lineWidth = 2
  pen.strokeStyle = "#5aa9bf"
  pen.beginPath()
  pen.arc(x, y, radius, 0, Math.PI * 2)
  pen.stroke()
}

// ---------------------------------------------------------------- regions
function outlines(film, pen) {
  const { state, spec, geometry } = film
  state.regions.forEach((region, number) => {
    const owner = state.films[region.film]
    if (!owner) return
    const own = owner === film
    if (own ? region.frame !== film.frame : !state.linked) return
    const [kx, ky] = [spec.width / owner.spec.width, spec.height / owner.spec.height]
    const [x0, y0] = toScreen(geometry.matrix, region.x * kx, region.y * ky)
    const [x1, y1] = toScreen(geometry.matrix, (region.x + region.width) * kx, (region.y + region.height) * ky)
    pen.strokeStyle = own ? "#ffd166" : "rgba(255, 209, 102, 0.55)"
    pen.lineWidth = 1.5
    pen.setLineDash(own ? [] : [5, 4])
    pen.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0))
    pen.setLineDash([])
    if (!own) return
    pen.fillStyle = "#ffd166"
    pen.font = `600 ${Math.round(12 * (window.devicePixelRatio || 1))}px sans-serif`
    pen.fillText(String(number + 1), Math.min(x0, x1) + 4, Math.min(y0, y1) + 14)
  })
}

function startRegion(film, from) {
  const { state } = film
  if (state.regions.length >= MAX_REGIONS) return null
  const region = { film: film.index, frame: film.frame, x: from[0], y: from[1], width: 0, height: 0 }
  state.regions.push(region)
  return { region, from }
}

function stretch(film, { region, from }, to) {
  const { width, height } = film.spec
  const [x0, x1] = [from[0], to[0]].map(x => clamp(Math.round(x), 0, width)).sort((a, b) => a - b)
  const [y0, y1] = [from[1], to[1]].map(y => clamp(Math.round(y), 0, height)).sort((a, b) => a - b)
  Object.assign(region, { x: x0, y: y0, width: x1 - x0, height: y1 - y0 })
  redraw(film.state)
}

function keepRegions(state) {
  state.regions = state.regions.filter(region => region.width > 0 && region.height > 0)
  redraw(state)
  state.component.setStateValue("regions", { token: state.token, regions: state.regions })
}

function dropRegion(state) {
  if (!state.regions.length) return
  state.regions.pop()
  keepRegions(state)
}

// What the server gives back after a page change; anything odd is left out.
function givenRegions(data, count) {
  const list = Array.isArray(data.regions) ? data.regions.slice(0, MAX_REGIONS) : []
  return list.filter(one => one && whole(one.film, 0, count - 1) && whole(one.frame, 0, MAX_FRAMES) &&
    [one.x, one.y, one.width, one.height].every(Number.isFinite))
}
