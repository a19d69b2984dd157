// The bar of the guided demonstration: back, next, dots, notes, full screen, and the show of hands. Keys work from the
// first moment, without a click: they are heard by the window, and left alone wherever a person is typing.

const decks = new WeakMap()
const SHOWN = "doppel-show"
const TYPING = "input, textarea, select, [contenteditable=true], [role=radiogroup] *, [role=slider]"
const MOST = 999

export default function (component) {
  const root = component.parentElement.querySelector(".deck")
  if (!root) return undefined
  let deck = decks.get(root)
  if (!deck) {
    deck = { root, hands: null, counter: 0 }
    decks.set(root, deck)
    deck.keys = event => keyed(deck, event)
    deck.left = () => { if (!document.fullscreenElement) show(deck, false) }
    window.addEventListener("keydown", deck.keys)
    document.addEventListener("fullscreenchange", deck.left)
  }
  deck.component = component
  take(deck, component.data || {})
  return () => {
    window.removeEventListener("keydown", deck.keys)
    document.removeEventListener("fullscreenchange", deck.left)
    decks.delete(root)
    clearTimeout(deck.parting)
    // A step draws the bar anew now and then; the show ends only when no other bar takes over.
    setTimeout(() => { if (!document.querySelector(".st-key-leakage-deck")) leave() }, 1500)
  }
}

function take(deck, data) {
  deck.data = data
  deck.step = data.step
  const vote = data.vote && typeof data.vote === "object" ? data.vote : null
  const token = vote ? String(vote.token) : ""
  if (!vote) deck.hands = null
  else if (!deck.hands || deck.token !== token) deck.hands = vote.hands.map(row => row.slice())
  deck.token = token
  if (deck.at === undefined || !vote) deck.at = 0
  draw(deck)
}

// ---- what is drawn

function draw(deck) {
  const { data, root } = deck
  const parts = []
  if (data.vote) parts.push(booth(deck))
  parts.push(bar(deck))
  if (typeof data.notes === "string") parts.push(notes(data.notes))
  const focused = root.getRootNode().activeElement
  const kept = focused && root.contains(focused) ? focused.dataset.name : ""
  root.replaceChildren(...parts)
  if (kept) {
    const again = root.querySelector(`[data-name="${kept}"]`)
    if (again && !again.disabled) again.focus({ preventScroll: true })
  }
}

function bar(deck) {
  const { data } = deck
  const made = box("nav", "bar")
  made.setAttribute("aria-label", "Steps of the demonstration")
  const back = press("back", "‹ Back", () => go(deck, deck.step - 1))
  back.disabled = deck.step <= 1
  const next = press("next", "Next ›", () => go(deck, deck.step + 1))
  next.classList.add("main")
  next.disabled = deck.step >= data.steps || !open(deck, deck.step + 1)
  const dots = box("div", "dots")
  data.titles.forEach((title, index) => {
    const dot = press(`dot${index + 1}`, "", () => go(deck, index + 1))
    dot.className = "dot"
    dot.title = `${index + 1}. ${title}`
    dot.setAttribute("aria-label", `Step ${index + 1} of ${data.steps}: ${title}`)
    if (index + 1 === deck.step) dot.setAttribute("aria-current", "step")
    dot.disabled = !open(deck, index + 1)
    dots.append(dot)
  })
  const note = press("notes", "Notes", () => tell(deck, { notes: data.notes === null }))
  note.setAttribute("aria-pressed", String(data.notes !== null))
  note.title = "Speaker notes (N)"
  const whole = press("whole", "Full screen", () => show(deck, !shown()))
  whole.title = "Full screen (F)"
  const tail = box("div", "tail")
  if (data.films) {
    for (const [key, words] of [["s", "Swipe"], ["b", "Blink"], ["d", "Difference"]]) {
      const way = press(`films${key}`, words, () => films(key))
      way.title = `${words} (${key.toUpperCase()})`
      tail.append(way)
    }
  }
  tail.append(note, whole)
  made.append(back, dots, next, tail)
  return made
}

function notes(words) {
  const made = box("aside", "notes")
  made.setAttribute("aria-label", "Speaker notes")
  for (const line of words.split("\n").filter(Boolean)) made.append(box("p", "", line))
  return made
}

// The show of hands: a row of five buttons a candidate, each with its count, which can be typed too.
function booth(deck) {
  const { vote } = deck.data
  const made = box("section", "booth")
  made.setAttribute("aria-label", "Show of hands")
  const lead = box("div", "lead")
  lead.append(box("strong", "", vote.ask), box("span", "", "1 certainly different   ·   5 certainly the same"))
  lead.append(box("span", "hint", "Keys: A or B, then 1 to 5, one for each hand. Backspace takes one back."))
  if (vote.skip) lead.append(press("skip", "Go on without a vote", () => tell(deck, { skip: true })))
  made.append(lead)
  deck.hands.forEach((row, who) => {
    const column = box("div", "candidate")
    column.classList.toggle("active", deck.at === who)
    const name = press(`who${who}`, vote.names[who], () => { deck.at = who; draw(deck) })
    name.className = "who"
    name.setAttribute("aria-pressed", String(deck.at === who))
    const scale = box("div", "scale")
    row.forEach((count, index) => {
      const cell = box("div", "cell")
      const raise = press(`v${who}${index}`, String(index + 1), () => raised(deck, who, index, 1))
      raise.className = "raise"
      raise.title = vote.words[index]
      raise.setAttribute("aria-label", `${vote.names[who]}: ${index + 1}, ${vote.words[index]}; ${count} hands`)
      const typed = document.createElement("input")
      Object.assign(typed, { type: "number", min: 0, max: MOST, value: count, className: "count" })
      typed.dataset.name = `c${who}${index}`
      typed.setAttribute("aria-label", `Hands for ${index + 1} on ${vote.names[who]}`)
      typed.addEventListener("change", () => { setCount(deck, who, index, Number(typed.value)) })
      cell.append(raise, typed)
      scale.append(cell)
    })
    column.append(name, scale)
    made.append(column)
  })
  return made
}

function raised(deck, who, index, by) {
  deck.at = who
  deck.last = [who, index]
  setCount(deck, who, index, deck.hands[who][index] + by)
}

function setCount(deck, who, index, value) {
  const whole = Number.isFinite(value) ? Math.round(value) : 0
  deck.hands[who][index] = Math.min(MOST, Math.max(0, whole))
  deck.component.setStateValue("hands", { token: deck.token, rows: deck.hands.map(row => row.slice()) })
  draw(deck)
}

// ---- what is done

function open(deck, step) {
  const { data, hands } = deck
  if (data.vote && hands && hands.every(row => row.some(count => count > 0))) return true
  return step <= data.open
}

function go(deck, step) {
  const wanted = Math.min(deck.data.steps, Math.max(1, step))
  if (wanted === deck.step) return
  if (!open(deck, wanted)) { refuse(deck); return }
  deck.step = wanted
  tell(deck, { go: wanted })
}

function refuse(deck) {
  const made = deck.root.querySelector(".booth")
  if (!made) return
  made.classList.remove("asked")
  void made.offsetWidth // so that the nod starts anew
  made.classList.add("asked")
}

function tell(deck, what) {
  deck.counter += 1
  const hands = deck.hands ? { token: deck.token, rows: deck.hands.map(row => row.slice()) } : null
  deck.component.setTriggerValue("act", { ...what, hands, n: deck.counter })
}

const shown = () => document.documentElement.classList.contains(SHOWN)

// The page itself becomes the slide, so the demonstration fills the window even where a browser forbids full screen.
function show(deck, on) {
  if (!on) { leave(); return }
  document.documentElement.classList.add(SHOWN)
  const asked = document.documentElement.requestFullscreen && document.documentElement.requestFullscreen()
  if (asked) asked.catch(() => {}) // the slide fills the window then
  window.dispatchEvent(new Event("resize"))
}

function leave() {
  document.documentElement.classList.remove(SHOWN)
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {}) // it has been left already
  window.dispatchEvent(new Event("resize"))
}

// ---- keys

function keyed(deck, event) {
  const target = event.composedPath()[0]
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !deck.data) return
  const typing = target instanceof Element && target.matches(TYPING)
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (typing) {
    if (key === "Escape" || key === "Enter") target.blur()
    else if (key === "PageDown" || key === "PageUp") target.blur()
    if (key !== "PageDown" && key !== "PageUp") return
  }
  const act = actions(deck)[key]
  if (!act || act() === false) return
  event.preventDefault()
}

function actions(deck) {
  const found = {
    ArrowRight: () => go(deck, deck.step + 1),
    PageDown: () => go(deck, deck.step + 1),
    ArrowLeft: () => go(deck, deck.step - 1),
    PageUp: () => go(deck, deck.step - 1),
    Home: () => go(deck, 1),
    n: () => tell(deck, { notes: deck.data.notes === null }),
    f: () => show(deck, !shown()),
    Escape: () => (shown() ? leave() : false),
  }
  if (deck.data.films) {
    for (const key of ["s", "b", "d"]) found[key] = () => films(key)
    found.ArrowUp = () => divide("ArrowLeft")
    found.ArrowDown = () => divide("ArrowRight")
  }
  if (deck.data.vote) {
    deck.hands.forEach((row, who) => { found["abc"[who]] = () => { deck.at = who; draw(deck) } })
    for (let digit = 1; digit <= 5; digit++) found[String(digit)] = () => raised(deck, deck.at, digit - 1, 1)
    found.Backspace = () => { if (deck.last) raised(deck, deck.last[0], deck.last[1], -1) }
  }
  return found
}

// The films of a step are in a viewer of their own root; its keys are passed on to it.
function viewerPart(selector) {
  for (const host of document.querySelectorAll(".st-key-leakage-deck *")) {
    const found = host.shadowRoot && host.shadowRoot.querySelector(`.viewer ${selector}`)
    if (found) return found
  }
  return null
}

function films(key) {
  const frame = viewerPart('.frame[data-index="0"]')
  if (!frame) return false
  frame.dispatchEvent(new KeyboardEvent("keydown", { key, code: `Key${key.toUpperCase()}`, bubbles: true, composed: true, cancelable: true }))
  return true
}

function divide(key) {
  const divider = viewerPart(".divider:not([hidden])")
  if (!divider) return false
  divider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }))
  return true
}

// ---- small parts

function box(name, kind, words) {
  const made = document.createElement(name)
  if (kind) made.className = kind
  if (words !== undefined) made.textContent = words
  return made
}

function press(name, words, act) {
  const made = box("button", "press", words)
  made.type = "button"
  made.dataset.name = name
  made.addEventListener("click", act)
  return made
}
