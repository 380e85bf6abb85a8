/**
 * Writes the parts of the documentation that are generated: the entities and fields of SRQL, from the catalog.
 *
 *   node scripts/docs.ts            write them
 *   node scripts/docs.ts --check    fail when one is not what would be written
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { coreCatalog } from "../src/domain/core/CoreCatalog.ts"
import { type DocumentOf, type Entity, filterClasses } from "../src/domain/srql/catalog/Entity.ts"
import { keep } from "./generatedPage.ts"

const root = path.resolve(import.meta.dirname, "..")

const code = (text: string): string => `\`${text}\``
const codes = (texts: Iterable<string>): string => [...texts].map(code).join(", ")

/** Names that mean the same in one piece: the first is the one of the row. */
const alike = <A>(byName: ReadonlyMap<string, A>): ReadonlyArray<string> => {
  const names = new Map<A, Array<string>>()
  for (const [name, value] of byName) names.set(value, [...names.get(value) ?? [], name])
  return [...names.values()].map(([first = "", ...others]) =>
    others.length === 0 ? code(first) : `${code(first)} (${codes(others)})`
  )
}

const fieldsOf = (entity: Entity): ReadonlyArray<string> => {
  const all = filterClasses.flatMap((filterClass) => {
    const fields = new Map([...entity.fields].filter(([, field]) => field.class === filterClass))
    return fields.size === 0 ? [] : [`| ${filterClass} | ${alike(fields).join(", ")} |`]
  })
  const documents = [...entity.documents.keys()].map((name) => `${name}.KEY`)
  return [
    "| Class | Fields (and their other names) |",
    "| --- | --- |",
    ...all,
    ...(documents.length === 0 ? [] : [`| json | ${codes(documents)} |`])
  ]
}

/** Of one that is a document, and has no rows. */
const documentLinesOf = ({ name, spellings }: Entity, { missing, of, switches }: DocumentOf): ReadonlyArray<string> => [
  `### ${name}`,
  "",
  `In a query ${
    codes(spellings.map((spelling) => `in:${spelling}`))
  }: one document about \`${of}:ID\`, which has to be asked for.`,
  "",
  ...[...switches].map(([key, { aliases, isOn }]) =>
    `- ${codes([key, ...aliases])}: \`true\` or \`false\`, default \`${isOn}\``
  ),
  `- What others have and is not here: ${missing}`,
  ""
]

const linesOf = (entity: Entity): ReadonlyArray<string> =>
  entity.document === null ? rowLinesOf(entity) : documentLinesOf(entity, entity.document)

const rowLinesOf = (entity: Entity): ReadonlyArray<string> => [
  `### ${entity.name}`,
  "",
  `In a query ${codes(entity.spellings.map((spelling) => `in:${spelling}`))}; without \`sort:\` by ${
    codes(entity.order.map(([{ name }, direction]) => `${name} ${direction}`))
  }.`,
  "",
  ...fieldsOf(entity),
  "",
  `- \`sort:\` ${alike(entity.sorts).join(", ")}`,
  ...(entity.groups.size === 0 ? [] : [`- \`stats:"… by"\` ${alike(entity.groups).join(", ")}`]),
  ...(entity.rollups.size === 0 ? [] : [`- \`rollup_stats:\` ${codes(entity.rollups.keys())}`]),
  ...(entity.metric === null ? [] : [
    `- \`bucket:\` with \`value_field:\` ${codes(entity.metric.values)} and \`series:\` ${codes(entity.metric.series)}`
  ]),
  ...(entity.latest === null ? [] : ["- `latest:true`: of each interface its newest row"]),
  ""
]

const marks = ["<!-- entities: written by scripts/docs.ts -->", "<!-- end of entities -->"] as const

const page = "docs/srql.md"

const written = (text: string): string => {
  const [start, end] = marks.map((mark) => text.indexOf(mark))
  if (start === undefined || end === undefined || start < 0 || end < start) {
    throw new Error(`${page} has lost its marks`)
  }
  const lines = ["", "", ...coreCatalog.entities.flatMap(linesOf)].join("\n")
  return `${text.slice(0, start + marks[0].length)}${lines}${text.slice(end)}`
}

const file = path.join(root, page)
keep(
  file,
  written(fs.readFileSync(file, "utf8")),
  `${page} is not what the catalog says: run node scripts/docs.ts`
)
