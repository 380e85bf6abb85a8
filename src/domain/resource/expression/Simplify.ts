/**
 * An expression without what is known before any record is looked at: what the actor and the arguments decide is no work
 * for the database, and hides no index from it.
 */
import { evaluate } from "./Evaluate.ts"
import type { Node, Surroundings } from "./Node.ts"

export const simplify = (node: Node, surroundings: Surroundings): Node => {
  const simple = ofParts(node, (part) => simplify(part, surroundings))
  switch (simple._tag) {
    case "And":
      return settled(simple, simple.parts, false)
    case "Or":
      return settled(simple, simple.parts, true)
    case "Reference":
      return simple.source === "record" ? simple : known(simple, surroundings)
    default:
      return partsOf(simple).every(({ _tag }) => _tag === "Literal") ? known(simple, surroundings) : simple
  }
}

const known = (node: Node, surroundings: Surroundings): Node => ({
  _tag: "Literal",
  kind: node.kind,
  value: evaluate(node, { ...surroundings, record: {} })
})

/** Of truths joined, one that is `decisive` decides, and its opposite says nothing. */
const settled = (
  node: Extract<Node, { readonly _tag: "And" | "Or" }>,
  all: ReadonlyArray<Node>,
  decisive: boolean
): Node => {
  const isKnown = (part: Node, value: boolean) => part._tag === "Literal" && part.value === value
  if (all.some((part) => isKnown(part, decisive))) return { _tag: "Literal", kind: "boolean", value: decisive }
  const left = all.filter((part) => !isKnown(part, !decisive))
  const [only] = left
  if (only === undefined) return { _tag: "Literal", kind: "boolean", value: !decisive }
  return left.length === 1 ? only : { ...node, parts: left }
}

/** Of which it is made, without theirs. */
export const partsOf = (node: Node): ReadonlyArray<Node> => {
  const found: Array<Node> = []
  ofParts(node, (part) => {
    found.push(part)
    return part
  })
  return found
}

/** The same of other parts. */
const ofParts = (node: Node, change: (part: Node) => Node): Node => {
  switch (node._tag) {
    case "Reference":
    case "Literal":
    case "Now":
      return node
    case "Compare":
    case "Same":
      return { ...node, left: change(node.left), right: change(node.right) }
    case "IsNull":
    case "Not":
    case "Lower":
    case "Length":
      return { ...node, of: change(node.of) }
    case "And":
    case "Or":
    case "Concat":
    case "Coalesce":
      return { ...node, parts: node.parts.map(change) }
    case "OneOf":
      return { ...node, of: change(node.of), candidates: node.candidates.map(change) }
    case "Has":
      return { ...node, list: change(node.list), item: change(node.item) }
    case "TextTest":
      return { ...node, of: change(node.of), what: change(node.what) }
    case "Choose":
      return {
        ...node,
        cases: node.cases.map(({ value, when }) => ({ when: change(when), value: change(value) })),
        otherwise: change(node.otherwise)
      }
    case "Shift":
      return { ...node, of: change(node.of), millis: change(node.millis) }
  }
}
