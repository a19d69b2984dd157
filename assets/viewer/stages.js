// Hanging protocols: the ways to hang the films of a packet, and the keys , and . that step through them.

const PLAIN_STAGE = { title: "", layout: "", columns: 1, narrow: 1, lead: false, films: MAX_FILMS }

function stagesOf(header) {
  const given = Array.isArray(header.stages) ? header.stages.slice(0, 9) : []
  const found = given.filter(one => one && typeof one === "object").map(one => ({
    title: text(one.title), layout: text(one.layout), lead: one.lead === true,
    columns: whole(one.columns, 1, MAX_FILMS) ? one.columns : 1,
    narrow: whole(one.narrow, 1, MAX_FILMS) ? one.narrow : 1,
    films: whole(one.films, 1, MAX_FILMS) ? one.films : MAX_FILMS,
  }))
  return found.length ? found : [PLAIN_STAGE]
}

// Films that a stage leaves out keep their views; the keys go to a film that is on screen.
function arrange(state, at) {
  const stage = state.stages[at]
  if (!stage) return
  const { grid, frames } = state
  const left = frames.some((box, index) => index >= stage.films && box.matches(":focus-within"))
  state.stage = at
  grid.classList.remove("one")
  grid.classList.toggle("lead", stage.lead)
  grid.dataset.layout = stage.layout
  grid.dataset.stage = String(at)
  grid.style.setProperty("--columns", String(stage.columns))
  grid.style.setProperty("--narrow", String(stage.narrow))
  frames.forEach((box, index) => {
    box.classList.remove("large")
    box.classList.toggle("off", index >= stage.films)
  })
  if (left) frames[0].focus()
  if (state.stageChoice) state.stageChoice.value = String(at)
  redraw(state)
}

function hanging(state) {
  if (state.stages.length < 2) return []
  const choice = element("select", "choice")
  choice.title = "Layout (, previous  . next)"
  choice.setAttribute("aria-label", "Layout")
  state.stages.forEach((one, at) => choice.append(new Option(one.title || `Layout ${at + 1}`, String(at))))
  choice.addEventListener("change", guarded(choice, () => arrange(state, Number(choice.value))))
  state.stageChoice = choice
  return [choice]
}
