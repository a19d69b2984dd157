// The film under the pointer: asked for after a short rest, kept for this visit, drawn beside the pointer.

const DWELL_MS = 125
const KEPT = 600
const films = new Map()

function hovered(state, row, x, y) {
  if (row === state.hover) return
  away(state)
  state.hover = row
  state.timer = setTimeout(() => film(state, row).then(told => told && state.hover === row && card(state, told, x, y)), DWELL_MS)
}

function away(state) {
  clearTimeout(state.timer)
  state.hover = null
  state.card.hidden = true
}

async function film(state, row) {
  const { plotly, films: token } = state.packet.header // both lie in one folder of this server
  const address = `${plotly.slice(0, plotly.lastIndexOf("/"))}/${encodeURIComponent(token)}/${row}`
  if (films.has(address)) return films.get(address)
  let told
  try {
    const answer = await fetch(address, { credentials: "same-origin" })
    if (!answer.ok) return null
    told = await answer.json()
  } catch (error) {
    return null
  }
  films.set(address, told)
  if (films.size > KEPT) films.delete(films.keys().next().value)
  return told
}

function card(state, told, x, y) {
  const box = state.card
  box.replaceChildren()
  if (typeof told.picture === "string" && told.picture.startsWith("data:image/webp;base64,")) {
    const picture = make("img")
    picture.src = told.picture
    picture.alt = `${told.tag} film`
    box.append(picture)
  }
  box.append(make("span", "tag", String(told.tag)))
  for (const line of told.words || []) box.append(make("span", "line", String(line)))
  if (told.problem) box.append(make("span", "line", String(told.problem)))
  box.hidden = false
  const room = state.plot.getBoundingClientRect()
  const left = x + 18 + box.offsetWidth > room.width ? x - 18 - box.offsetWidth : x + 18
  box.style.left = `${Math.max(2, left)}px`
  box.style.top = `${Math.max(2, Math.min(y - 30, room.height - box.offsetHeight - 4))}px`
}
