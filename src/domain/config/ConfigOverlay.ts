/**
 * Configuration that lies over another: of objects each key, of everything else the whole, is what the upper one says.
 * Nothing can be removed by it.
 */
import type * as JsonText from "./JsonText.ts"

export const over = (lower: JsonText.JsonNode, upper: JsonText.JsonNode): JsonText.JsonNode => {
  if (lower._tag !== "Object" || upper._tag !== "Object") return upper
  const entries = new Map(lower.entries.map((entry) => [entry.key, entry]))
  for (const entry of upper.entries) {
    const below = entries.get(entry.key)
    entries.set(entry.key, below === undefined ? entry : { ...entry, node: over(below.node, entry.node) })
  }
  return { ...lower, entries: [...entries.values()] }
}
