/**
 * The records that go with those of an answer, each looked up as its own list would be: whoever asks gets what that list
 * shows them, and of what it refuses them, nothing.
 */
import { Effect, Schema } from "effect"
import * as Documents from "../../domain/jsonapi/Documents.ts"
import { type Branch, includedMax } from "../../domain/jsonapi/Includes.ts"
import { routesOf } from "../../domain/jsonapi/Wire.ts"
import type { Stored } from "../../domain/records/Record.ts"
import type { Value } from "../../domain/resource/expression/Kind.ts"
import type { Node } from "../../domain/resource/expression/Node.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import { type Asker, Records } from "../../services/records/Records.ts"

/** More records would go with the answer than may. */
export class TooManyIncluded extends Schema.TaggedError<TooManyIncluded>()("TooManyIncluded", {
  path: Schema.String
}) {
  override get message(): string {
    return `${this.path}: more than ${includedMax} records would be included, ask for a smaller page`
  }
}

/** Records of one answer, each once, with what was found for their relationships. */
class Collection {
  readonly #known = new Map<string, { readonly stored: Stored; readonly definition: Definition }>()
  readonly #linked = new Map<string, Map<string, ReadonlyArray<Documents.Identifier>>>()

  static id(definition: Definition, stored: Stored): string {
    return `${definition.name} ${Documents.keyOf(definition, stored)}`
  }

  add(definition: Definition, stored: Stored): void {
    this.#known.set(Collection.id(definition, stored), { stored, definition })
  }

  link(definition: Definition, stored: Stored, name: string, found: ReadonlyArray<Documents.Identifier>): void {
    const id = Collection.id(definition, stored)
    const own = this.#linked.get(id) ?? new Map<string, ReadonlyArray<Documents.Identifier>>()
    own.set(name, found)
    this.#linked.set(id, own)
  }

  linked(definition: Definition, stored: Stored): Documents.Linked | undefined {
    return this.#linked.get(Collection.id(definition, stored))
  }

  get size(): number {
    return this.#known.size
  }

  without(definition: Definition, records: ReadonlyArray<Stored>) {
    const own = new Set(records.map((stored) => Collection.id(definition, stored)))
    return [...this.#known].flatMap(([id, one]) => own.has(id) ? [] : [one])
  }
}

interface Side {
  /** Of the records that are there, by which the others are found. */
  readonly own: string
  /** Of the others. */
  readonly theirs: string
}

const sideOf = (definition: Definition, { relationship: { by, kind }, target }: Branch): Side =>
  kind === "belongs_to" ? { own: by, theirs: target.definition.key } : { own: definition.key, theirs: by }

const isOneOf = (definition: Definition, attribute: string, values: ReadonlyArray<Value>): Node => {
  const kind = definition.attributes[attribute]?.kind ?? "text"
  return {
    _tag: "OneOf",
    kind: "boolean",
    of: { _tag: "Reference", kind, source: "record", name: attribute },
    candidates: values.map((value) => ({ _tag: "Literal", kind, value }))
  }
}

const grow = Effect.fnUntraced(function*(
  collection: Collection,
  definition: Definition,
  records: ReadonlyArray<Stored>,
  branch: Branch,
  asker: Asker
) {
  const { target: { definition: target } } = branch
  const { own, theirs } = sideOf(definition, branch)
  const keys = [...new Set(records.flatMap(({ values }) => values[own] ?? []))]
  const action = routesOf(branch.target).read?.name
  const { list } = yield* Records
  const page = keys.length === 0 || action === undefined ? { records: [], hasMore: false } : yield* list({
    definition: target,
    action,
    asker,
    where: isOneOf(target, theirs, keys),
    order: [],
    limit: includedMax
  }).pipe(Effect.catchTag("Forbidden", () => Effect.succeed({ records: [], hasMore: false })))
  const groups = Map.groupBy(page.records, ({ values }) => String(values[theirs]))
  for (const stored of page.records) collection.add(target, stored)
  if (page.hasMore || collection.size > includedMax) return yield* new TooManyIncluded({ path: branch.name })
  for (const stored of records) {
    const found = groups.get(String(stored.values[own])) ?? []
    collection.link(
      definition,
      stored,
      branch.name,
      found.map((one) => ({ type: target.name, id: Documents.keyOf(target, one) }))
    )
  }
  return page.records
})

const growAll: (
  collection: Collection,
  definition: Definition,
  records: ReadonlyArray<Stored>,
  branches: ReadonlyArray<Branch>,
  asker: Asker
) => Effect.Effect<void, Effect.Error<ReturnType<typeof grow>>, Records> = Effect.fnUntraced(
  function*(collection, definition, records, branches, asker) {
    for (const branch of branches) {
      const found = yield* grow(collection, definition, records, branch, asker)
      yield* growAll(collection, branch.target.definition, found, branch.branches, asker)
    }
  }
)

/** Those records as resource objects, and what goes with them; as texts of JSON. */
export const shown = Effect.fnUntraced(function*(
  showing: Documents.Showing,
  definition: Definition,
  records: ReadonlyArray<Stored>,
  branches: ReadonlyArray<Branch>,
  asker: Asker
) {
  const write = Documents.writer(showing, definition)
  if (branches.length === 0) return { data: records.map((stored) => write(stored)), included: undefined }
  const collection = new Collection()
  yield* growAll(collection, definition, records, branches, asker)
  const writers = new Map([[definition, write]])
  const included = collection.without(definition, records).map(({ definition: of, stored }) => {
    const writeOther = writers.get(of) ?? Documents.writer(showing, of)
    writers.set(of, writeOther)
    return writeOther(stored, collection.linked(of, stored))
  })
  return { data: records.map((stored) => write(stored, collection.linked(definition, stored))), included }
})
