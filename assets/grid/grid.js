// A table of pictures with labels that stay while it is scrolled. Every word is set as text; a click is sent back.

export default function (component) {
  const root = component.parentElement.querySelector(".doppel-grid")
  if (!root) return undefined
  const data = component.data
  if (!data || !Array.isArray(data.cells)) {
    root.replaceChildren(make("p", "problem", "The grid did not arrive whole and is not drawn. Reload the page."))
    return undefined
  }
  const before = root.querySelector(".frame")
  const scroll = before ? [before.scrollLeft, before.scrollTop] : [0, 0]
  const frame = make("div", "frame")
  frame.append(table(data, component))
  root.style.setProperty("--columns", String(data.columns.length || 1))
  root.style.setProperty("--largest", `${Number(data.largest) || 160}px`)
  root.replaceChildren(frame)
  frame.scrollTo(scroll[0], scroll[1])
  return undefined
}

function table(data, component) {
  const body = make("table", data.differences ? "cells differences" : "cells")
  const head = make("thead")
  if (data.columnAxis) {
    const line = make("tr", "axis")
    const corner = make("th", "corner")
    const title = make("th", "title", data.columnAxis)
    title.colSpan = data.columns.length
    line.append(corner, title)
    head.append(line)
  }
  const line = make("tr", "labels")
  line.append(make("th", "corner", data.rowAxis || ""))
  data.columns.forEach(words => line.append(label(words)))
  head.append(line)
  body.append(head)
  const rows = make("tbody")
  data.rows.forEach((words, at) => {
    const row = make("tr")
    const side = make("th", "side")
    side.append(make("span", "", words))
    row.append(side)
    data.columns.forEach((_, column) => {
      const cell = make("td")
      const spec = data.cells.find(one => one.row === at && one.column === column)
      if (spec) cell.append(picture(spec, data, component))
      row.append(cell)
    })
    rows.append(row)
  })
  body.append(rows)
  return body
}

function label(words) {
  const one = make("th", "label")
  one.append(make("span", "", words))
  one.title = words
  return one
}

function picture(spec, data, component) {
  const button = make("button", "cell")
  button.type = "button"
  button.setAttribute("aria-label", spec.alt)
  button.setAttribute("aria-pressed", String(spec.number === data.picked))
  button.title = spec.title || ""
  button.dataset.cell = String(spec.number)
  if (spec.number === data.picked) button.classList.add("picked")
  if (spec.number === data.reference) button.classList.add("reference")
  if (spec.url) {
    const image = make("img", spec.pending ? "pending" : "")
    image.src = spec.url
    image.alt = ""
    image.draggable = false
    button.append(image)
  } else {
    button.classList.add("empty")
    button.append(make("span", "wait", spec.wait || ""))
  }
  if (spec.badge) button.append(make("span", `badge ${spec.tone || ""}`, spec.badge))
  if (spec.number === data.reference && data.cells.length > 1) button.append(make("span", "mark", "reference"))
  if (spec.fit) button.append(make("span", `fit ${spec.fit}`))
  if (spec.figure) button.append(make("span", "figure", spec.figure))
  button.disabled = Boolean(spec.pending) || !spec.url
  button.addEventListener("click", () => component.setTriggerValue("picked", spec.number))
  return button
}

function make(name, kind = "", words = "") {
  const one = document.createElement(name)
  if (kind) one.className = kind.trim()
  if (words) one.textContent = words
  return one
}
