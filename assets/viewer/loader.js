// All of the script that travels with the data of a viewer: the rest, style included, is fetched once from the server's
// media store and kept by the page. Until it has come, the last call of each viewer waits for it.

const ADDRESS = "@address@"
const PAUSES = [0, 500, 2000]
const waiting = new Map()
let arrived = null
let asked = null

export default function (component) {
  if (arrived) return arrived.default(component)
  const home = component.parentElement
  waiting.set(home, component)
  asked = asked || fetched()
  let cleanup = null
  asked.then(() => {
    if (waiting.get(home) !== component) return
    waiting.delete(home)
    if (arrived) cleanup = arrived.default(component)
    else missing(home)
  })
  return () => {
    if (waiting.get(home) === component) waiting.delete(home)
    if (cleanup) cleanup()
  }
}

async function fetched() {
  for (const [turn, pause] of PAUSES.entries()) {
    if (pause) await new Promise(done => setTimeout(done, pause))
    try {
      // A browser may remember that an address failed; another query asks anew.
      const place = new URL(turn ? `${ADDRESS}?again=${turn}` : ADDRESS, window.location.origin)
      if (!ADDRESS || place.origin !== window.location.origin) break
      arrived = await import(place.href)
      return
    } catch (error) {
      continue // the network may come back; three tries, then the viewer says that it did not arrive
    }
  }
  asked = null
}

function missing(home) {
  const root = home.querySelector(".viewer")
  const told = document.createElement("p")
  told.className = "problem"
  told.textContent = "The viewer's script did not arrive, so these films are not shown; nothing else is affected. Reload the page."
  told.style.color = "#e8bd6a"
  if (root) root.replaceChildren(told)
}
