// Two films in one viewport: swipe, blink, difference and checkerboard of the first film and its partner, the other
// film last used. The partner is drawn through the first film's geometry, so equal places lie on each other.

const MODES = ["swipe", "blink", "difference", "checker"]
const MODE_WORDS = {
  swipe: "Swipe", blink: "Blink", difference: "Difference of what is shown, doubled", checker: "Checkerboard",
}
const BLINK_MS = 600
const TILES = 8

function partnerOf(film) {
  const { state } = film
  if (!state.mode || film !== state.films[0]) return null
  const other = state.films[state.partner]
  return other && other !== film && other.samples ? other : null
}

function compare(state, mode) {
  const films = state.films.filter(film => film && film.samples)
  state.mode = state.mode === mode || films.length < 2 || !state.films[0] ? "" : mode
  if (!state.films[state.partner] || state.partner === 0) state.partner = state.films.findIndex((film, at) => at > 0 && film)
  clearInterval(state.blinkTimer)
  state.blinkOn = false
  if (state.mode === "blink") {
    state.blinkTimer = setInterval(guarded(state.root, () => {
      state.blinkOn = !state.blinkOn
      if (state.films[0]) { later(state.films[0]); comparing(state) }
    }), BLINK_MS)
  }
  for (const [name, made] of Object.entries(state.modes)) press(made, state.mode === name)
  comparing(state)
  if (state.films[0]) later(state.films[0])
}

// A film that is used becomes the partner of the first.
function activate(film) {
  const { state } = film
  state.active = film
  if (film.index > 0) state.partner = film.index
  comparing(state)
  if (state.mode && state.films[0]) later(state.films[0])
  showWindow(state)
}

function compared(film, pen) {
  const other = partnerOf(film)
  if (!other) return
  const { canvas, state } = film
  const view = { ...film.view, level: other.view.level, spread: other.view.spread, invert: other.view.invert }
  const through = geometry(other, canvas, view)
  const box = [0, 0, canvas.width, canvas.height]
  if (state.mode === "blink") {
    if (state.blinkOn) clean(pen, other, through, box)
    return
  }
  if (state.mode === "difference") { difference(pen, other, through, box); return }
  pen.save()
  pen.beginPath()
  if (state.mode === "swipe") pen.rect(canvas.width * state.swipe, 0, canvas.width, canvas.height)
  else tiles(pen, canvas)
  pen.clip()
  clean(pen, other, through, box)
  pen.restore()
}

function clean(pen, other, through, box) {
  pen.fillStyle = "#000"
  pen.fillRect(...box)
  paint(other, pen, through, box)
}

// |a - b| of the grey levels on screen; adding the result to itself doubles it.
function difference(pen, other, through, box) {
  pen.globalCompositeOperation = "difference"
  paint(other, pen, through, box)
  pen.globalCompositeOperation = "lighter"
  pen.drawImage(pen.canvas, 0, 0)
  pen.globalCompositeOperation = "source-over"
}

function tiles(pen, canvas) {
  const side = Math.max(canvas.width, canvas.height) / TILES
  for (let row = 0; row * side < canvas.height; row++) {
    for (let column = row & 1 ? 0 : 1; column * side < canvas.width; column += 2) {
      pen.rect(Math.round(column * side), Math.round(row * side), Math.round(side), Math.round(side))
    }
  }
}

// Who is on which side, in words: every picture says what it is, a mixed one says both.
function comparing(state) {
  const film = state.films[0]
  if (!film) return
  const other = partnerOf(film)
  film.box.classList.toggle("comparing", Boolean(other))
  film.box.dataset.mode = other ? state.mode : ""
  film.divider.hidden = !other || state.mode !== "swipe"
  film.divider.style.left = `${state.swipe * 100}%`
  film.divider.setAttribute("aria-valuenow", String(Math.round(state.swipe * 100)))
  film.versus.hidden = !other
  if (!other) return
  const name = each => text(each.spec.tag) || `Film ${each.index + 1}`
  const turn = state.mode === "blink" ? (state.blinkOn ? `now ${name(other)}` : `now ${name(film)}`) : MODE_WORDS[state.mode]
  film.versus.textContent = `${turn}\nfilm 1 ${name(film)}  ·  film ${other.index + 1} ${name(other)}`
}
