// The map: points as typed arrays, drawn by Plotly.js; the server says what is selected, this page only what was drawn.
// Reading the packet: "DMP1", header length, JSON header, arrays. Text is only ever set as text.

const MAP_MAGIC = 0x31504d44 // "DMP1", little-endian
const VISIBLE = 1, OFF_MAP = 2, TORN = 4, SELECTED = 8, DENSE = 16
const ARRAYS = { f4: Float32Array, u1: Uint8Array }

function readMap(data) {
  const bytes = data instanceof Uint8Array ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : null
  if (!bytes || bytes.byteLength < 8) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAP_MAGIC) return null
  const length = view.getUint32(4, true)
  if (8 + length > bytes.byteLength) return null
  let header
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  } catch (error) {
    return null
  }
  const payload = bytes.subarray(8 + length)
  const arrays = {}
  for (const [name, spec] of Object.entries(header.arrays || {})) {
    const kind = ARRAYS[spec.type]
    if (!kind || spec.offset + spec.length > payload.byteLength || spec.length % kind.BYTES_PER_ELEMENT) return null
    arrays[name] = new kind(payload.slice(spec.offset, spec.offset + spec.length).buffer)
  }
  for (const name of ["x", "y", "layer", "flags"]) if (!arrays[name] || arrays[name].length !== header.count) return null
  return { header, arrays }
}

function make(name, kind, words) {
  const found = document.createElement(name)
  if (kind) found.className = kind
  if (words !== undefined) found.textContent = words
  return found
}
