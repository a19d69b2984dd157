// Counting within a threshold: how many values lie up to it, and Wilson's 95 % interval of that share.

const Z95 = 1.959963984540054

function within(sorted, threshold) {
  let low = 0, high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] <= threshold) low = middle + 1
    else high = middle
  }
  return low
}

function wilson(hits, n) {
  const share = hits / n, z2 = Z95 * Z95
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n)
  const half = Z95 * Math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
  return { share, low: hits === 0 ? 0 : Math.max(0, centre - half), high: hits === n ? 1 : Math.min(1, centre + half) }
}

const percent = share => `${(100 * share).toFixed(1)} %`
const count = number => number.toLocaleString("en")

function told(hits, n) {
  if (!n) return { main: "–", rest: "nothing to count" }
  const { share, low, high } = wilson(hits, n)
  return { main: percent(share), rest: `95 % interval ${percent(low)} to ${percent(high)}` }
}

function counted(packet, threshold) {
  const { header, arrays } = packet
  const near = within(arrays.samples, threshold), exposed = within(arrays.exposed, threshold)
  const held = within(arrays.held, threshold), training = within(arrays.training, threshold)
  return { near, exposed, held, training, unseen: within(arrays.unseen, threshold),
    p: Math.min(1, header.detectors * (1 + training) / (arrays.training.length + 1)) }
}
