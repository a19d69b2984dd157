// Reading the packet: "DTH1", header length, JSON header, float64 arrays, each ascending. Text is only ever set as text.

const THRESHOLD_MAGIC = 0x31485444 // "DTH1", little-endian
const NAMES = ["samples", "exposed", "unseen", "held", "training"]

function readPacket(data) {
  const bytes = data instanceof Uint8Array ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : null
  if (!bytes || bytes.byteLength < 8) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== THRESHOLD_MAGIC) return null
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
  for (const name of NAMES) {
    const spec = header.arrays && header.arrays[name]
    if (!spec || spec.length % 8 || spec.offset + spec.length > payload.byteLength) return null
    arrays[name] = new Float64Array(payload.slice(spec.offset, spec.offset + spec.length).buffer)
  }
  return arrays.samples.length ? { header, arrays } : null
}

function make(name, kind, words) {
  const found = document.createElement(name)
  if (kind) found.className = kind
  if (words !== undefined) found.textContent = words
  return found
}

function draw(name, values) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name)
  for (const [key, value] of Object.entries(values)) found.setAttribute(key, String(value))
  return found
}
