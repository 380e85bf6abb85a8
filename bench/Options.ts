/**
 * The options of a benchmark are those that the head comment of its file names, and that comment is its help: what is said of
 * an option and what is taken cannot differ.
 */

/** The first comment, without what makes it one. */
export const headOf = (source: string): string =>
  (/\/\*\*(.*?)\*\//s.exec(source)?.[1] ?? "").split("\n").map((line) => line.replace(/^ ?\* ?/, "")).join("\n").trim()

const namesOf = (head: string): ReadonlySet<string> =>
  new Set(Array.from(head.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g), ([, name = ""]) => name))

export type Options = ReadonlyMap<string, string>

/** `--name value`, `--name=value`, and `true` where there is no value. */
export const parse = (words: ReadonlyArray<string>): Options => {
  const options = new Map<string, string>()
  words.forEach((word, index) => {
    if (!word.startsWith("--")) return
    const [, name = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? []
    const next = words[index + 1]
    options.set(name, value ?? (next === undefined || next.startsWith("--") ? "true" : next))
  })
  return options
}

/** Those that the head does not name. */
export const unknown = (options: Options, head: string): ReadonlyArray<string> => {
  const known = namesOf(head)
  return [...options.keys()].filter((name) => !known.has(name))
}
