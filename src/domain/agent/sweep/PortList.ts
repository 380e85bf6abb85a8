/** Ports as a user writes them: `22,80,8000-8099`. */
import { Option } from "effect"

const portMax = 65_535
const part = /^(\d{1,5})(?:-(\d{1,5}))?$/

/** Each once, in the order in which they are named; none for anything else. */
export const parse = (text: string): Option.Option<ReadonlyArray<number>> => {
  const ports = new Set<number>()
  for (const one of text.split(",")) {
    const [, first = "", last = first] = part.exec(one.trim()) ?? []
    const [from, to] = [Number(first), Number(last)]
    if (first === "" || from < 1 || to > portMax || from > to) return Option.none()
    for (let port = from; port <= to; port++) ports.add(port)
  }
  return Option.some([...ports])
}
