// Marks of the crowd as small masks of coverage, 0 to 256, drawn once for each shape and size.

const CORNER_SETS = {
  diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  "triangle-up": [[0, -1.15], [1.1, 0.8], [-1.1, 0.8]],
  "triangle-down": [[0, 1.15], [1.1, -0.8], [-1.1, -0.8]],
  cross: [[-0.4, -1], [0.4, -1], [0.4, -0.4], [1, -0.4], [1, 0.4], [0.4, 0.4], [0.4, 1], [-0.4, 1], [-0.4, 0.4], [-1, 0.4], [-1, -0.4], [-0.4, -0.4]],
  star: Array.from({ length: 10 }, (_, i) => [Math.sin(i * Math.PI / 5) * (i % 2 ? 0.5 : 1.25), -Math.cos(i * Math.PI / 5) * (i % 2 ? 0.5 : 1.25)]),
  pentagon: Array.from({ length: 5 }, (_, i) => [Math.sin(i * Math.PI / 2.5) * 1.1, -Math.cos(i * Math.PI / 2.5) * 1.1]),
}
const stamps = new Map()

// A mark of that many pixels: { side, cover }; `line` above 0 draws its outline alone, that wide.
function stamp(symbol, size, line = 0) {
  const name = `${symbol} ${size.toFixed(2)} ${line}`
  if (stamps.has(name)) return stamps.get(name)
  if (stamps.size > 400) stamps.clear()
  const side = 2 * Math.ceil(0.65 * size + line) + 1
  const pad = new OffscreenCanvas(side, side).getContext("2d")
  const middle = side / 2, radius = size / 2
  pad.beginPath()
  if (symbol === "x-thin") for (const way of [-1, 1]) {
    pad.moveTo(middle - radius, middle - way * radius)
    pad.lineTo(middle + radius, middle + way * radius)
  } else if (CORNER_SETS[symbol]) {
    for (const [x, y] of CORNER_SETS[symbol]) pad.lineTo(middle + x * radius, middle + y * radius)
    pad.closePath()
  } else pad.arc(middle, middle, radius, 0, 2 * Math.PI)
  pad.lineWidth = line
  if (line) pad.stroke()
  else pad.fill()
  const cover = Uint16Array.from({ length: side * side }, ((pixels, _, i) => Math.round(pixels[4 * i + 3] * 256 / 255)).bind(null, pad.getImageData(0, 0, side, side).data))
  const made = { side, cover }
  stamps.set(name, made)
  return made
}

// 0xBBGGRR of "#rrggbb", as pixels lie in memory.
function inked(colour) {
  const value = parseInt(colour.slice(1), 16)
  return (value & 255) << 16 | value & 0xff00 | value >> 16
}

// Lay marks of one shape and colour on `pixels` (width x height) around the places at[k] = y * width + x.
function lay(pixels, width, height, x, y, mark, colour, opacity) {
  const half = mark.side >> 1, left = Math.round(x) - half, top = Math.round(y) - half
  if (left < 0 || top < 0 || left + mark.side > width || top + mark.side > height) return
  const both = colour & 0xff00ff, green = colour & 0xff00
  for (let row = 0, k = 0; row < mark.side; row++) {
    let at = (top + row) * width + left
    for (let column = 0; column < mark.side; column++, at++, k++) {
      const part = mark.cover[k] * opacity >> 8
      if (!part) continue
      const old = pixels[at], rest = 256 - part
      pixels[at] = 0xff000000 | ((Math.imul(both, part) + Math.imul(old & 0xff00ff, rest)) >>> 8) & 0xff00ff |
        ((green * part + (old & 0xff00) * rest) >>> 8) & 0xff00
    }
  }
}
