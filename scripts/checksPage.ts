/**
 * Writes docs/checks.md from the table of probes, so that the page says what the code does.
 *
 *   node scripts/checksPage.ts            write the page
 *   node scripts/checksPage.ts --check    fail when the page is another
 */
import { Duration, type Schema } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as GoDuration from "../src/domain/config/GoDuration.ts"
import * as Details from "../src/domain/monitoring/checks/details/Details.ts"
import type { Kind } from "../src/layers/probes/ProbeKit.ts"
import { table } from "../src/layers/probes/ProbeTable.ts"
import { keep } from "./generatedPage.ts"

const root = path.resolve(import.meta.dirname, "..")
const page = path.join(root, "docs/checks.md")

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

const rows = (head: ReadonlyArray<string>, lines: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...lines].map((line) => `| ${line.map(cell).join(" | ")} |`).join("\n")

const defaultText = (value: unknown): string => {
  if (value === undefined) return ""
  return Duration.isDuration(value) ? `\`${GoDuration.format(value)}\`` : `\`${JSON.stringify(value)}\``
}

const keysTable = (schema: Parameters<typeof Details.keysOf>[0]): string =>
  rows(
    ["key", "default", "meaning"],
    Details.keysOf(schema).map((key) => [
      `\`${key.name}\``,
      key.isRequired ? "needed" : defaultText(key.default),
      key.about
    ])
  )

interface Field {
  readonly name: string
  readonly unit: string
  readonly about: string
}

type Ast = Schema.Top["ast"]

/** What is inside of a value: the members of an object, or of each entry of a list. */
const inside = (ast: Ast): readonly [mark: string, object: Ast] | undefined => {
  if (ast._tag === "Objects") return ["", ast]
  const [entry] = ast._tag === "Arrays" ? ast.rest : []
  return entry?._tag === "Objects" ? ["[]", entry] : undefined
}

const fieldsOf = (ast: Ast, prefix = ""): ReadonlyArray<Field> => {
  if (ast._tag !== "Objects") return []
  return ast.propertySignatures.flatMap(({ name, type }) => {
    const notes = type.context?.annotations
    const field = {
      name: `${prefix}${String(name)}`,
      unit: String(notes?.["unit"] ?? ""),
      about: String(notes?.["description"] ?? "")
    }
    const [mark, object] = inside(type) ?? []
    return object === undefined ? [field] : [field, ...fieldsOf(object, `${field.name}${mark}.`)]
  })
}

const example = (type: string, { about, details }: Kind["examples"][number]): string =>
  `${about}\n\n\`\`\`sh\nserviceradar check ${type}${details === "" ? "" : ` '${details}'`}\n\`\`\``

const section = (type: string, kind: Kind): string => {
  const { bareForm, schema } = kind.details
  const fields = kind.payload === undefined ? [] : fieldsOf(kind.payload.ast)
  const measures = fields.filter(({ unit }) => unit !== "")
  return [
    `## ${type}`,
    kind.about,
    ...(kind.notes === undefined ? [] : [kind.notes]),
    schema === undefined
      ? `Details: ${bareForm}.`
      : `Details: ${bareForm === "" ? "" : `${bareForm}, or `}a JSON object:\n\n${keysTable(schema)}`,
    ...(fields.length === 0 ? ["Message: that of the checker."] : [
      `Message:\n\n${
        rows(["key", "unit", "meaning"], fields.map(({ about, name, unit }) => [`\`${name}\``, unit, about]))
      }`,
      `Metrics: ${measures.map(({ name, unit }) => `\`${name}\` (${unit})`).join(", ")}.`
    ]),
    ...kind.examples.map((one) => example(type, one))
  ].join("\n\n")
}

const kinds: ReadonlyArray<readonly [string, Kind]> = Object.entries(table)

const text =
  `<!-- Made by scripts/checksPage.ts from the table of probes. To change it, change the probe and run npm run docs. -->

# Checks

An entry of a poller's file has a \`service_type\`, a \`service_name\` and \`details\`; \`serviceradar check TYPE DETAILS\` makes
the same check from the command line. Details are a plain text, or a JSON object whose keys say more; unknown keys are
refused. Durations are Go's (\`10s\`, \`1m30s\`). What a check may be pointed at is the agent's decision
([security.md](security.md#targets-of-checks)).

| type | question |
| --- | --- |
${kinds.map(([type, { about }]) => `| [${type}](#${type}) | ${cell(about)} |`).join("\n")}

The message of a check is a JSON object. Any key may be absent: a check that fails early has \`error\` and little else.
\`response_time\` and everything in \`timings\` are nanoseconds. Metrics are the keys with a unit. The agent itself counts checks
of each type: \`agent_checks_total\` by \`service_type\` and \`outcome\` (\`available\`, \`unavailable\`), and
\`agent_check_duration_seconds\` by \`service_type\`.

${kinds.map(([type, kind]) => section(type, kind)).join("\n\n")}

## Adding a kind of check

One file, one row and one test:

1. a file in \`src/layers/probes\` that exports its \`kind\`: question, keys of the details, keys of the message, examples, and how
   it is made. Names of targets are resolved by the kit's \`names\` and by nothing else, which refuses what may not be probed.
2. a row in \`src/layers/probes/ProbeTable.ts\`. It does not compile until \`src/domain/monitoring/ServiceKinds.ts\`, from which
   pollers and core know the types, has the name too.
3. a test beside the others in \`test/layers/probes\`; \`probe\` of \`probing.ts\` holds every message against the schema.

\`npm run docs\` adds it to this page. The whole of a small one, [examples/own-probe.ts](../examples/own-probe.ts), which CI runs:

\`\`\`ts
${fs.readFileSync(path.join(root, "examples/own-probe.ts"), "utf8").trimEnd()}
\`\`\`
`

keep(page, text, "docs/checks.md is not what the table of probes says; run npm run docs")
