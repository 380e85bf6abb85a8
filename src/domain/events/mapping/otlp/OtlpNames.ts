/** The names of OTLP's enums, which its JSON may have in the place of the numbers. */

const numbered = (names: ReadonlyArray<string>): ReadonlyMap<string, number> =>
  new Map(names.map((name, number) => [name, number]))

export const severityNumbers = numbered([
  "SEVERITY_NUMBER_UNSPECIFIED",
  ...["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((name) =>
    ["", "2", "3", "4"].map((step) => `SEVERITY_NUMBER_${name}${step}`)
  )
])

export const spanKinds = numbered(
  ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map((name) => `SPAN_KIND_${name}`)
)

export const statusCodes = numbered(["UNSET", "OK", "ERROR"].map((name) => `STATUS_CODE_${name}`))
