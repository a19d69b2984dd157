// The three distributions as steps, a tick for every sample, the calibrated threshold, and what lies within.

const DASHES = { solid: "", dash: "7 4", dot: "2 3" }
const MARGIN = { left: 46, right: 14, top: 22, bottom: 42 }

// Both detectors give 1 - correlation: its root is as far as the two images lie apart, and opens up the near end.
const bent = (header, value) => header.root ? Math.sqrt(Math.max(0, value)) : value
const straight = (header, place) => header.root ? Math.max(0, place) ** 2 : place

function place(header, value) {
  const low = bent(header, header.low), high = bent(header, header.high)
  return (bent(header, value) - low) / (high - low)
}

function valueAt(header, share) {
  const low = bent(header, header.low), high = bent(header, header.high)
  if (share <= 0) return header.low
  return share >= 1 ? header.high : straight(header, low + share * (high - low))
}

function shares(values, header) {
  const bins = new Float64Array(header.bins)
  for (const value of values) bins[Math.min(header.bins - 1, Math.max(0, Math.floor(place(header, value) * header.bins)))]++
  return bins.map(found => found / Math.max(1, values.length))
}

function scales(header, width, tallest) {
  const inner = width - MARGIN.left - MARGIN.right, rise = header.height - MARGIN.top - MARGIN.bottom
  const floor = MARGIN.top + rise
  return { x: value => MARGIN.left + place(header, value) * inner, back: x => valueAt(header, (x - MARGIN.left) / inner),
    y: share => floor - share / tallest * (rise - 6), floor }
}

function steps(bins, header, at) {
  const edge = bin => at.x(valueAt(header, bin / header.bins))
  let path = `M${at.x(header.low)} ${at.floor}`
  bins.forEach((share, bin) => {
    path += `L${edge(bin)} ${at.y(share)}L${edge(bin + 1)} ${at.y(share)}`
  })
  return `${path}L${at.x(header.high)} ${at.floor}`
}

function round(span, wanted) {
  const rough = span / wanted, power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5, 10].find(step => step * power >= rough) || 10)
}

// Round values with room for their words between them.
function ticks(header, at) {
  const found = [], span = header.high - header.low
  if (!header.root) {
    const step = round(span, 8)
    for (let value = Math.ceil(header.low / step) * step; value <= header.high; value += step) found.push(value)
    return found
  }
  let last = -Infinity
  for (let power = 10 ** Math.floor(Math.log10(header.high) - 3); power <= header.high; power *= 10) {
    for (const step of [1, 2, 5]) {
      const value = Number((step * power).toPrecision(3))
      if (value < header.low || value > header.high || at.x(value) - last < 44) continue
      found.push(value)
      last = at.x(value)
    }
  }
  return found
}

function axis(svg, header, at, width, tallest) {
  const { muted, grid, axis: line } = header.theme
  for (const value of ticks(header, at)) {
    const x = at.x(value), words = draw("text", { x, y: at.floor + 24, fill: muted, "text-anchor": "middle", class: "tick" })
    words.textContent = String(Number(value.toPrecision(6)))
    svg.append(draw("line", { x1: x, x2: x, y1: MARGIN.top, y2: at.floor, stroke: grid }), words)
  }
  const rise = round(tallest, 3)
  for (let share = 0; share <= tallest; share += rise) {
    const words = draw("text", { x: MARGIN.left - 6, y: at.y(share) + 4, fill: muted, "text-anchor": "end", class: "tick" })
    words.textContent = `${Number((100 * share).toFixed(2))} %`
    svg.append(words)
  }
  svg.append(draw("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: at.floor, y2: at.floor, stroke: line }))
  const title = draw("text", { x: (MARGIN.left + width - MARGIN.right) / 2, y: header.height - 2, fill: header.theme.text, "text-anchor": "middle", class: "title" })
  title.textContent = `Distance to the nearest ${header.trainingWord} (${header.title.toLowerCase()}); nearer is to the left`
  svg.append(title)
}

// Draws all but the handle; returns how values become places.
function plot(svg, packet, width) {
  const { header, arrays } = packet
  svg.replaceChildren()
  svg.setAttribute("width", width)
  svg.setAttribute("height", header.height)
  const bins = header.looks.map(look => shares(arrays[look.array], header))
  const tallest = Math.max(...bins.map(one => Math.max(...one)), 1e-9)
  const at = scales(header, width, tallest)
  axis(svg, header, at, width, tallest)
  header.looks.forEach((look, place) => {
    if (!arrays[look.array].length) return
    const strong = look.array === "samples"
    svg.append(draw("path", { d: steps(bins[place], header, at), fill: look.colour, "fill-opacity": strong ? 0.22 : 0.07,
      stroke: look.colour, "stroke-width": strong ? 2.4 : 1.8, "stroke-dasharray": DASHES[look.dash] || "", "stroke-linejoin": "round" }))
  })
  const colour = header.looks.find(look => look.array === "samples").colour
  let rug = ""
  for (const value of arrays.samples) rug += `M${at.x(value)} ${at.floor + 2}v8`
  svg.append(draw("path", { d: rug, stroke: colour, "stroke-opacity": 0.75, fill: "none", class: "rug" }))
  if (header.limit !== null) {
    const x = at.x(header.limit), right = x > width * 0.55
    const words = draw("text", { x: x + (right ? -7 : 7), y: MARGIN.top - 8, fill: header.theme.text, "text-anchor": right ? "end" : "start", class: "mark" })
    words.textContent = "calibrated, p ≤ 0.01"
    svg.append(draw("line", { x1: x, x2: x, y1: MARGIN.top - 4, y2: at.floor, stroke: header.theme.text, "stroke-dasharray": "1 4", "stroke-width": 2 }),
      draw("path", { d: `M${x} ${MARGIN.top - 4}l-5 -9h10z`, fill: header.theme.text }), words)
  }
  return at
}
