// Many points: laid on a canvas under the plot, pixel by pixel, and found again through a grid. Up to CROWD points are
// marks of the plot itself. A plot of 100,000 marks answers too slowly, and what lies on top hides the rest.

const CROWD = 10000
const REACH = 9 // pixels around the pointer
const SCALE_STEPS = 256

// Which points are the crowd: rows in drawing order, mixed, so that no layer lies over the others; null for few points.
function crowd({ header, arrays }) {
  const { flags, layer } = arrays
  const wanted = [0, 0]
  const kind = i => header.looks[layer[i]].size > 10 ? 1 : 0
  const drawn = i => flags[i] & VISIBLE && (!(flags[i] & DENSE) || flags[i] & SELECTED)
  for (let i = 0; i < flags.length; i++) if (drawn(i)) wanted[kind(i)]++
  if (wanted[0] + wanted[1] <= CROWD) return null
  const taken = [true, wanted[1] > CROWD]
  const rows = new Int32Array(wanted[0] + (taken[1] ? wanted[1] : 0))
  const count = flags.length, step = stride(count)
  let at = 0
  for (let k = 0, i = 0; k < count; k++, i = (i + step) % count) if (drawn(i) && taken[kind(i)]) rows[at++] = i
  return { rows, owned: taken, ...grid(rows, arrays), ...inks({ header, arrays }, rows) }
}

// A step that visits all of `count` places once, far from neighbour to neighbour.
function stride(count) {
  const common = (a, b) => b ? common(b, a % b) : a
  let step = Math.max(1, Math.floor(count * 0.618))
  while (common(count, step) > 1) step++
  return step
}

function inks({ header, arrays }, rows) {
  let colours = header.looks.map(look => inked(look.colour)), ink = Uint16Array.from(rows, i => arrays.layer[i])
  if (arrays.codes) {
    colours = header.colours.map(inked)
    ink = Uint16Array.from(rows, i => arrays.codes[i])
  } else if (arrays.values) {
    const pad = new OffscreenCanvas(SCALE_STEPS, 1).getContext("2d"), [low, high] = header.range
    const ramp = pad.createLinearGradient(0, 0, SCALE_STEPS, 0)
    header.scale.forEach((c, i) => ramp.addColorStop(i / (header.scale.length - 1), c))
    pad.fillStyle = ramp
    pad.fillRect(0, 0, SCALE_STEPS, 1)
    colours = [...new Uint32Array(pad.getImageData(0, 0, SCALE_STEPS, 1).data.buffer), inked("#56626d")]
    const place = value => Number.isFinite(value) ? Math.min(SCALE_STEPS - 1, Math.floor((value - low) / Math.max(high - low, 1e-12) * SCALE_STEPS)) : SCALE_STEPS
    ink = Uint16Array.from(rows, i => place(arrays.values[i]))
  }
  const selected = arrays.flags.reduce((sum, f) => sum + (f & SELECTED ? 1 : 0), 0)
  return { colours, ink, selected }
}

function view(state) {
  const { xaxis, yaxis } = state.plot._fullLayout
  const [left, right] = xaxis.range.map(Number), [low, high] = yaxis.range.map(Number)
  return { left, low, across: xaxis._length / (right - left), up: yaxis._length / (high - low),
    x: xaxis._offset, y: yaxis._offset, width: xaxis._length, height: yaxis._length }
}

// Draw the crowd where the axes are now; called at most once a frame.
function paint(state) {
  state.painting = 0
  if (!state.crowd || !state.drawn) return
  const began = performance.now(), seen = view(state), ratio = Math.min(2, window.devicePixelRatio || 1)
  const width = Math.round(seen.width * ratio), height = Math.round(seen.height * ratio)
  const now = [state.digest, ratio, ...Object.values(seen)].join()
  if (now === state.painted || width < 1 || height < 1) return
  const { canvas, pad } = state
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
    state.pixels = null
  }
  canvas.style.cssText = `left:${seen.x}px;top:${seen.y}px;width:${seen.width}px;height:${seen.height}px`
  state.pixels ||= pad.createImageData(width, height)
  layAll(state, new Uint32Array(state.pixels.data.buffer), width, height, seen, ratio)
  pad.putImageData(state.pixels, 0, 0)
  state.painted = now
  state.root.dataset.paintMs = (performance.now() - began).toFixed(1)
}

function layAll(state, pixels, width, height, seen, ratio) {
  const { header, arrays } = state.packet, { rows, ink, colours, selected } = state.crowd, selecting = selected > 0
  const px = i => (arrays.x[i] - seen.left) * seen.across * ratio
  const py = i => height - (arrays.y[i] - seen.low) * seen.up * ratio
  pixels.fill(0xff000000 | inked(header.theme.panel))
  let inView = 0
  for (const i of rows) { const x = px(i), y = py(i); if (x >= 0 && x < width && y >= 0 && y < height) inView++ }
  const scale = (inView > 40000 ? 0.5 : inView > 12000 ? 0.65 : inView > 2000 ? 0.85 : 1.15) * ratio
  const [grown, rim] = selected > 200 ? [1.15, 1.2] : [1.6, 2.6]
  const marks = header.looks.map(look => [stamp(look.symbol, look.size * scale), stamp(look.symbol, look.size * scale + ratio, 1.4 * ratio),
    stamp(look.symbol, look.size * scale * grown + rim * ratio), stamp(look.symbol, look.size * scale * grown)])
  const faded = header.looks.map(look => Math.round(256 * (selecting ? (look.size > 10 ? 0.5 : 0.25) : look.opacity)))
  const white = inked("#ffffff"), danger = inked(header.theme.danger), torn = stamp("x-thin", 6 * ratio, 1.2 * ratio)
  for (let pass = 0; pass < (selecting ? 2 : 1); pass++) for (let k = 0; k < rows.length; k++) {
    const i = rows[k], f = arrays.flags[i], look = arrays.layer[i], mark = marks[look]
    if ((f & SELECTED ? 1 : 0) !== pass) continue
    const x = px(i), y = py(i)
    if (f & OFF_MAP) lay(pixels, width, height, x, y, mark[1], pass ? white : colours[ink[k]], pass ? 256 : faded[look])
    else if (pass) {
      lay(pixels, width, height, x, y, mark[2], white, 256)
      lay(pixels, width, height, x, y, mark[3], colours[ink[k]], 256)
    } else lay(pixels, width, height, x, y, mark[0], colours[ink[k]], faded[look])
  }
  if (header.torn) for (const i of rows) if (arrays.flags[i] & TORN) lay(pixels, width, height, px(i), py(i), torn, danger, 256)
}

function repaint(state) {
  if (!state.painting) state.painting = requestAnimationFrame(() => paint(state))
}

// Rows sorted into square cells of the map, so that what lies under the pointer is found among a few.
function grid(rows, { x, y }) {
  const side = Math.max(1, Math.ceil(Math.sqrt(rows.length / 2)))
  let left = Infinity, low = Infinity, right = -Infinity, high = -Infinity
  for (const i of rows) {
    left = Math.min(left, x[i]), right = Math.max(right, x[i])
    low = Math.min(low, y[i]), high = Math.max(high, y[i])
  }
  const across = side / Math.max(right - left, 1e-9), up = side / Math.max(high - low, 1e-9)
  const column = value => Math.max(0, Math.min(side - 1, Math.floor((value - left) * across)))
  const line = value => Math.max(0, Math.min(side - 1, Math.floor((value - low) * up)))
  const starts = new Int32Array(side * side + 1), cells = new Int32Array(rows.length)
  for (const i of rows) starts[line(y[i]) * side + column(x[i]) + 1]++
  for (let c = 0; c < side * side; c++) starts[c + 1] += starts[c]
  const next = starts.slice()
  for (const i of rows) cells[next[line(y[i]) * side + column(x[i])]++] = i
  return { side, starts, cells, column, line }
}

// The row of the crowd nearest to a place on the plot, in CSS pixels, or null beyond REACH.
function beneath(state, pointX, pointY) {
  if (!state.crowd || !state.drawn) return null
  const { side, starts, cells, column, line } = state.crowd, { x, y } = state.packet.arrays, seen = view(state)
  const atX = seen.left + (pointX - seen.x) / seen.across, atY = seen.low + (seen.height - pointY + seen.y) / seen.up
  const wide = REACH / Math.abs(seen.across), tall = REACH / Math.abs(seen.up)
  let best = REACH * REACH, found = null
  for (let r = line(atY - tall); r <= line(atY + tall); r++) {
    for (let at = starts[r * side + column(atX - wide)]; at < starts[r * side + column(atX + wide) + 1]; at++) {
      const i = cells[at], far = ((x[i] - atX) * seen.across) ** 2 + ((y[i] - atY) * seen.up) ** 2
      if (far <= best) best = far, found = i
    }
  }
  return found
}
