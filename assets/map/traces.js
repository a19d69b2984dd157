// From arrays to Plotly traces: one trace for each layer, shape and colour, each with the row numbers of its points.

function groups({ header, arrays }, owned) {
  const { layer, flags, codes } = arrays
  const byValue = Boolean(arrays.values)
  let selecting = false
  for (let i = 0; i < flags.length; i++) if (flags[i] & SELECTED) { selecting = true; break }
  const found = new Map()
  for (let i = 0; i < flags.length; i++) {
    const f = flags[i]
    if (!(f & VISIBLE) || f & DENSE && !(f & SELECTED) || owned[header.looks[layer[i]].size > 10 ? 1 : 0]) continue
    const unknown = byValue && !Number.isFinite(arrays.values[i]) ? 1 : 0
    const code = codes ? codes[i] : unknown
    const name = (((f & SELECTED ? 1 : 0) * 256 + layer[i]) * 2 + (f & OFF_MAP ? 1 : 0)) * 256 + code
    let group = found.get(name)
    if (!group) found.set(name, group = { order: name, layer: layer[i], hollow: !!(f & OFF_MAP), code, unknown,
      selected: !!(f & SELECTED), rows: [] })
    group.rows.push(i)
  }
  return { selecting, list: [...found.values()].sort((a, b) => a.order - b.order) }
}

function marker({ header, arrays }, group, selecting, many) {
  const look = header.looks[group.layer]
  const big = look.size > 10
  const shrink = big ? 1 : many > 40000 ? 0.5 : many > 12000 ? 0.65 : 1
  const size = look.size * shrink * (group.selected ? 1.25 : 1)
  let colour = look.colour
  if (arrays.codes) colour = header.colours[group.code] || header.theme.muted
  if (arrays.values) colour = group.unknown ? "#56626d" : Float32Array.from(group.rows, i => arrays.values[i])
  const made = { symbol: look.symbol + (group.hollow ? "-open" : ""), size, color: colour,
    opacity: selecting && !group.selected ? (big ? 0.5 : 0.25) : group.selected ? 1 : look.opacity }
  made.line = group.hollow ? { width: 1.8 } : { width: big ? 1.2 : 0, color: arrays.codes || arrays.values ? "#e8eef3" : header.theme.panel }
  if (group.selected && !group.hollow) made.line = { width: 1.4, color: "#ffffff" }
  if (arrays.values && !group.unknown) {
    made.cmin = header.range[0]
    made.cmax = header.range[1]
    made.colorscale = header.scale.map((c, i) => [i / (header.scale.length - 1), c])
  }
  return made
}

function traces(packet, owned) {
  const { header, arrays } = packet
  const { list, selecting } = groups(packet, owned)
  const made = [], rows = []
  const add = (trace, own = null) => { made.push(trace); rows.push(own) }
  for (const back of backdrop(packet)) add(back)
  if (header.links.length && header.focus !== null) add(links(packet))
  const many = list.reduce((sum, group) => sum + group.rows.length, 0)
  for (const group of list) {
    const own = Int32Array.from(group.rows)
    add({ type: "scattergl", mode: "markers", x: Float32Array.from(own, i => arrays.x[i]), showlegend: false,
      y: Float32Array.from(own, i => arrays.y[i]), hoverinfo: "none", marker: marker(packet, group, selecting, many) }, own)
  }
  for (const front of foreground(packet, owned)) add(front)
  // Without any mark of its own the plot would not take a lasso.
  if (owned[0]) add({ type: "scatter", mode: "markers", x: header.low.slice(0, 1), y: header.low.slice(1), hoverinfo: "skip", marker: { opacity: 0 } })
  return { made, rows, many }
}

function backdrop({ header, arrays }) {
  const found = []
  const axis = (at, side) => Float32Array.from({ length: side }, (_, i) =>
    header.gridLow[at] + (i + 0.5) * (header.gridHigh[at] - header.gridLow[at]) / side)
  const grid = (flat, side) => Array.from({ length: side }, (_, row) => flat.subarray(row * side, (row + 1) * side))
  if (header.dense) found.push({ type: "heatmap", x: axis(0, header.dense), y: axis(1, header.dense), hoverinfo: "skip",
    z: grid(arrays.dense, header.dense), showscale: false, zsmooth: "best",
    colorscale: [[0, header.theme.panel], [0.2, "#1f3f63"], [1, "#8fc4ff"]] })
  header.grids.forEach((spec, number) => found.push({ type: "contour", hoverinfo: "skip", showscale: false,
    x: axis(0, spec.side), y: axis(1, spec.side), z: grid(arrays["grid" + number], spec.side),
    contours: { coloring: "none", start: 0.25, end: 0.75, size: 0.25 }, line: { color: spec.colour, width: 1.3 },
    colorscale: [[0, spec.colour], [1, spec.colour]], showlegend: false }))
  return found
}

function links({ header, arrays }) {
  const x = [], y = []
  for (const row of header.links) {
    x.push(arrays.x[header.focus], arrays.x[row], null)
    y.push(arrays.y[header.focus], arrays.y[row], null)
  }
  return { type: "scatter", mode: "lines", x, y, hoverinfo: "skip", showlegend: false,
    line: { color: "rgba(255,255,255,0.75)", width: 1.2 } }
}

function foreground({ header, arrays }, owned) {
  const found = []
  const at = (rows, symbol, size, colour, width) => ({ type: "scatter", mode: "markers", hoverinfo: "skip", showlegend: false,
    x: rows.map(i => arrays.x[i]), y: rows.map(i => arrays.y[i]), marker: { symbol, size, color: colour, line: { width, color: colour } } })
  for (const line of header.trajectories) {
    found.push({ type: "scatter", mode: "lines+markers", hoverinfo: "skip", showlegend: false, name: line.words,
      x: line.rows.map(i => arrays.x[i]), y: line.rows.map(i => arrays.y[i]),
      line: { color: "rgba(245,167,66,0.8)", width: 1.6, shape: "linear" },
      marker: { symbol: "arrow", angleref: "previous", size: 9, color: "rgba(245,167,66,0.95)" } })
  }
  if (header.torn) {
    const torn = []
    for (let i = 0; i < arrays.flags.length; i++) 
      if ((arrays.flags[i] & (TORN | VISIBLE)) === (TORN | VISIBLE) && !owned[header.looks[arrays.layer[i]].size > 10 ? 1 : 0]) torn.push(i)
    if (torn.length) found.push({ ...at(torn, "x-thin", 6, header.theme.danger, 1.2), type: "scattergl" })
  }
  if (header.links.length) found.push(at(header.links, "circle-open", 13, "#ffffff", 1.4))
  if (header.focus !== null) found.push(at([header.focus], "circle-open", 22, "#ffffff", 2))
  return found
}
