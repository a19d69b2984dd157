// What the server says about the films, and their pixels: fetched once per address, kept for all viewers of the page.

const MAX_SIDE = 16384
const MAX_FRAMES = 4096
const MAX_FILMS = 64
const KEPT_BYTES = 400e6
const kept = new Map()

function read(data) {
  if (!data || typeof data !== "object" || !Array.isArray(data.viewports)) return null
  if (!data.viewports.length || data.viewports.length > MAX_FILMS) return null
  return data.viewports.every(film => film && typeof film === "object") ? data : null
}

// Sizes must agree with one another before a byte is asked for.
function sized(film) {
  const { width, height, channels, depth, frames, length } = film
  if (!whole(width, 1, MAX_SIDE) || !whole(height, 1, MAX_SIDE) || !whole(frames, 1, MAX_FRAMES)) return false
  if (!(channels === 1 || channels === 3) || !(depth === 8 || depth === 16)) return false
  return length === width * height * channels * frames * (depth / 8)
}

// A mask is one layer for all frames or one for each.
function masked(film) {
  const mask = film.mask
  if (!mask || typeof mask !== "object" || !(mask.frames === 1 || mask.frames === film.frames)) return null
  return mask.length === film.width * film.height * mask.frames ? mask : null
}

// Only the server's own media store is asked, whatever a packet says.
function bytesAt(address, length) {
  const place = new URL(text(address) || "/", window.location.href)
  if (place.origin !== window.location.origin || !place.pathname.includes("/media/")) return Promise.resolve(null)
  const name = place.pathname
  const known = kept.get(name)
  if (known && known.length === length) {
    kept.delete(name)
    kept.set(name, known)
    return known.bytes
  }
  const bytes = fetched(name, length)
  kept.set(name, { bytes, length })
  bytes.then(found => { if (!found) kept.delete(name) })
  forget()
  return bytes
}

async function fetched(name, length) {
  for (const pause of [0, 400, 1500]) {
    if (pause) await new Promise(done => setTimeout(done, pause))
    try {
      const answer = await fetch(name, { credentials: "same-origin" })
      if (!answer.ok) continue
      const buffer = await answer.arrayBuffer()
      if (buffer.byteLength === length) return buffer
      return null
    } catch (error) {
      continue // the network may come back; three tries, then the film says that it did not arrive
    }
  }
  return null
}

function forget() {
  let total = 0
  for (const one of kept.values()) total += one.length
  for (const [name, one] of kept) {
    if (total <= KEPT_BYTES || kept.size === 1) return
    total -= one.length
    kept.delete(name)
  }
}

async function pixels(spec) {
  if (!sized(spec)) return null
  const buffer = await bytesAt(spec.url, spec.length)
  if (!buffer) return null
  return spec.depth === 16 ? new Uint16Array(buffer) : new Uint8Array(buffer)
}

async function maskOf(spec) {
  const mask = sized(spec) ? masked(spec) : null
  const buffer = mask ? await bytesAt(mask.url, mask.length) : null
  return buffer ? new Uint8Array(buffer) : null
}
