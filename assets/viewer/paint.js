// From samples to screen. Only the part of a film that is visible is windowed, at the level of detail it is shown in.
//
// Window: grey = round((value - low) / width * 255), cut to 0..255, halves to even, low = centre - width / 2
// (the exact linear function of DICOM PS3.3 C.11.2.1.3.2), which NumPy repeats bit for bit.

const TURNS = [[1, 0], [0, 1], [-1, 0], [0, -1]]

function fit(film, canvas, turn) {
  const { width, height } = film.spec
  const across = turn & 1 ? height : width
  const down = turn & 1 ? width : height
  return Math.min(canvas.width / across, canvas.height / down) || 1
}

// Image pixels to canvas pixels, [a, b, c, d, e, f] as setTransform takes them; whole offsets keep whole zooms exact.
function geometry(film, canvas, view) {
  const scale = fit(film, canvas, view.turn) * view.zoom
  const [cos, sin] = TURNS[view.turn & 3]
  const sx = view.flipH ? -scale : scale
  const sy = view.flipV ? -scale : scale
  const [a, b, c, d] = [sx * cos, sy * sin, -sx * sin, sy * cos]
  const cx = view.x * film.spec.width
  const cy = view.y * film.spec.height
  const e = Math.round(canvas.width / 2 - a * cx - c * cy)
  const f = Math.round(canvas.height / 2 - b * cx - d * cy)
  return { scale, matrix: [a, b, c, d, e, f] }
}

function toImage([a, b, c, d, e, f], x, y) {
  const whole = a * d - b * c
  return [(d * (x - e) - c * (y - f)) / whole, (a * (y - f) - b * (x - e)) / whole]
}

function toScreen([a, b, c, d, e, f], x, y) {
  return [a * x + c * y + e, b * x + d * y + f]
}

function windowOf(film) {
  const width = Math.max(1, film.home.width * film.view.spread)
  return { width, centre: film.home.centre + film.home.width * film.view.level }
}

function table(film) {
  const { width, centre } = windowOf(film)
  const wanted = `${width} ${centre} ${film.view.invert}`
  if (film.tableOf === wanted) return film.table
  const low = centre - width / 2
  const grey = film.grey
  for (let value = 0; value <= film.full; value++) grey[value] = ((value - low) / width) * 255
  if (film.view.invert) for (let value = 0; value <= film.full; value++) grey[value] = 255 - grey[value]
  const words = film.table
  for (let value = 0; value <= film.full; value++) words[value] = 0xff000000 | (grey[value] * 0x010101)
  film.tableOf = wanted
  return words
}

// Halved copies of the current frame, made when first needed: means of 2 x 2 samples, at full depth.
function detail(film, scale) {
  const { spec, frame } = film
  if (film.levelsOf !== frame) {
    const size = spec.width * spec.height * spec.channels
    film.levels = [{ width: spec.width, height: spec.height, data: film.samples.subarray(frame * size, (frame + 1) * size) }]
    film.levelsOf = frame
  }
  let at = 0
  while (scale * 2 ** (at + 1) <= 1.001 && Math.min(film.levels[at].width, film.levels[at].height) > 16) {
    if (!film.levels[at + 1]) film.levels[at + 1] = halved(film.levels[at], spec.channels)
    at += 1
  }
  return { ...film.levels[at], step: 2 ** at }
}

function halved(level, channels) {
  const { width, height, data } = level
  const wide = Math.ceil(width / 2)
  const high = Math.ceil(height / 2)
  const out = new data.constructor(wide * high * channels)
  let to = 0
  for (let y = 0; y < high; y++) {
    const upper = 2 * y * width
    const lower = Math.min(2 * y + 1, height - 1) * width
    for (let x = 0; x < wide; x++) {
      const left = 2 * x
      const right = Math.min(left + 1, width - 1)
      for (let k = 0; k < channels; k++) {
        const sum = data[(upper + left) * channels + k] + data[(upper + right) * channels + k] +
          data[(lower + left) * channels + k] + data[(lower + right) * channels + k]
        out[to++] = (sum + 2) >> 2
      }
    }
  }
  return { width: wide, height: high, data: out }
}

// The rectangle of a level that the canvas shows, two samples wider on each side for smoothing.
function seen(level, matrix, box) {
  const corners = [[box[0], box[1]], [box[2], box[1]], [box[0], box[3]], [box[2], box[3]]]
  const points = corners.map(([x, y]) => toImage(matrix, x, y))
  const xs = points.map(point => point[0] / level.step)
  const ys = points.map(point => point[1] / level.step)
  const left = clamp(Math.floor(Math.min(...xs)) - 2, 0, level.width)
  const top = clamp(Math.floor(Math.min(...ys)) - 2, 0, level.height)
  const right = clamp(Math.ceil(Math.max(...xs)) + 2, 0, level.width)
  const bottom = clamp(Math.ceil(Math.max(...ys)) + 2, 0, level.height)
  return right > left && bottom > top ? { left, top, wide: right - left, high: bottom - top } : null
}

function windowed(film, level, part) {
  const words = table(film)
  const scratch = film.scratch
  if (!scratch.image || scratch.image.width !== part.wide || scratch.image.height !== part.high) {
    scratch.image = new ImageData(part.wide, part.high)
    scratch.words = new Uint32Array(scratch.image.data.buffer)
    if (scratch.canvas.width < part.wide) scratch.canvas.width = part.wide
    if (scratch.canvas.height < part.high) scratch.canvas.height = part.high
  }
  if (film.spec.channels === 1) greyInto(scratch.words, level, part, words)
  else colourInto(scratch.words, level, part, film.grey)
  scratch.pen.putImageData(scratch.image, 0, 0)
}

function greyInto(out, level, part, words) {
  const { data, width } = level
  let to = 0
  for (let y = part.top; y < part.top + part.high; y++) {
    let from = y * width + part.left
    for (const end = to + part.wide; to < end;) out[to++] = words[data[from++]]
  }
}

function colourInto(out, level, part, grey) {
  const { data, width } = level
  let to = 0
  for (let y = part.top; y < part.top + part.high; y++) {
    let from = (y * width + part.left) * 3
    for (const end = to + part.wide; to < end; from += 3) {
      out[to++] = 0xff000000 | (grey[data[from + 2]] << 16) | (grey[data[from + 1]] << 8) | grey[data[from]]
    }
  }
}

// Samples a moving film may window in one frame; at rest it is drawn in full detail.
const MOVING_SAMPLES = 1.3e6

// Draw a film through a geometry: `box` is the part of the canvas that matters, in canvas pixels.
function paint(film, pen, { matrix, scale }, box) {
  let level = detail(film, scale)
  const samples = ((box[2] - box[0]) * (box[3] - box[1])) / (scale * level.step) ** 2
  if (film.state.moving && samples > MOVING_SAMPLES && scale < 1) level = detail(film, scale / 2)
  const part = seen(level, matrix, box)
  if (!part) return
  windowed(film, level, part)
  const { width, height } = film.spec
  const step = level.step
  const wide = Math.min(part.wide, width / step - part.left)
  const high = Math.min(part.high, height / step - part.top)
  pen.setTransform(...matrix)
  pen.imageSmoothingEnabled = scale % 1 !== 0
  pen.imageSmoothingQuality = "low"
  pen.drawImage(film.scratch.canvas, 0, 0, wide, high, part.left * step, part.top * step, wide * step, high * step)
  overlay(film, pen)
  pen.setTransform(1, 0, 0, 1, 0, 0)
}

const INKS = [[64, 201, 227], [242, 165, 65], [188, 128, 255], [120, 214, 120], [240, 110, 140], [236, 220, 90]]

function overlay(film, pen) {
  if (!film.mask || film.state.opacity <= 0) return
  const layer = layerOf(film)
  pen.globalAlpha = film.state.opacity
  pen.imageSmoothingEnabled = false
  pen.drawImage(layer, 0, 0)
  pen.globalAlpha = 1
}

function layerOf(film) {
  const { width, height, mask } = film.spec
  const frame = mask.frames === 1 ? 0 : film.frame
  const { unseen } = film.state
  const wanted = [frame, ...unseen].join(" ")
  if (film.layerOf === wanted) return film.layer
  film.layer = film.layer || new OffscreenCanvas(width, height)
  const image = new ImageData(width, height)
  const start = frame * width * height
  for (let i = 0; i < width * height; i++) {
    const label = film.mask[start + i]
    if (!label || unseen.has(label)) continue
    const ink = inkOf(label)
    image.data.set([ink[0], ink[1], ink[2], 255], i * 4)
  }
  film.layer.getContext("2d").putImageData(image, 0, 0)
  film.layerOf = wanted
  return film.layer
}
