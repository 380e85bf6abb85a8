/** The attributes of a record that an expression looks at. */
import type { Node } from "./Node.ts"
import { partsOf } from "./Simplify.ts"

export const recordNames = (node: Node): ReadonlySet<string> => {
  const names = new Set<string>()
  const look = (of: Node): void => {
    if (of._tag === "Reference" && of.source === "record") names.add(of.name)
    for (const part of partsOf(of)) look(part)
  }
  look(node)
  return names
}
