/**
 * What documents look like, without their values: a tree of the names of kinds.
 *
 * An object has these fields and no others, `name?` may be missing. A list has at least one element, and all are alike; `[]` is
 * the empty list. A text that is no kind stands for itself.
 */
type Shape = string | number | boolean | null | ReadonlyArray<Shape> | { readonly [name: string]: Shape }

const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  "<text>": (value) => typeof value === "string",
  "<filled>": (value) => typeof value === "string" && value !== "",
  "<number>": (value) => typeof value === "number",
  "<count>": (value) => typeof value === "number" && value > 0,
  "<flag>": (value) => typeof value === "boolean",
  "<time>": (value) => typeof value === "string" && time.test(value) && !value.startsWith("1970"),
  "<base64>": (value) => typeof value === "string" && /^[A-Za-z0-9+/]+={0,2}$/.test(value),
  "<texts>": (value) =>
    typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string"),
  "<text or null>": (value) => value === null || typeof value === "string",
  "<anything>": () => true
}

const isList = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const said = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 120)

const ofObject = (shape: Readonly<Record<string, Shape>>, value: unknown, at: string): ReadonlyArray<string> => {
  if (!isObject(value)) return [`${at}: ${said(value)} is no object`]
  const names = new Map(Object.entries(shape).map(([name, of]) => [name.replace(/\?$/, ""), { name, of }]))
  const strangers = Object.keys(value).filter((name) => !names.has(name)).map((name) =>
    `${at}.${name}: is not expected`
  )
  return [...names].flatMap(([key, { name, of }]) => {
    if (Object.hasOwn(value, key)) return differences(of, value[key], `${at}.${key}`)
    return name.endsWith("?") ? [] : [`${at}.${key}: is missing`]
  }).concat(strangers)
}

/** Where a document is not of a shape. */
export const differences = (shape: Shape, value: unknown, at = "$"): ReadonlyArray<string> => {
  if (typeof shape === "string" && shape.startsWith("<")) {
    return kinds[shape]?.(value) === true ? [] : [`${at}: ${said(value)} is not ${shape}`]
  }
  if (isList(shape)) {
    const [element] = shape
    if (!isList(value)) return [`${at}: ${said(value)} is no list`]
    if (element === undefined) return value.length === 0 ? [] : [`${at}: is not empty`]
    return value.length === 0
      ? [`${at}: is empty`]
      : value.flatMap((one, index) => differences(element, one, `${at}[${index}]`))
  }
  if (isObject(shape)) return ofObject(shape, value, at)
  return shape === value ? [] : [`${at}: ${said(value)} is not ${said(shape)}`]
}

export type { Shape }
