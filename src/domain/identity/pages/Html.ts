/** HTML as text in which nothing that somebody wrote is markup. */

export interface Html {
  readonly html: string
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (one) => escapes[one] ?? one)

type Part = string | Html | ReadonlyArray<Html> | undefined

const textOf = (part: Part): string => {
  if (part === undefined) return ""
  if (typeof part === "string") return escaped(part)
  return "html" in part ? part.html : part.map(({ html }) => html).join("")
}

/** Texts become text, whatever is in them. */
export const html = (strings: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html => ({
  html: strings.map((text, at) => text + textOf(parts[at])).join("")
})
