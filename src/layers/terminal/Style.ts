/**
 * Colours and widths of terminal text.
 *
 * A `Style` without colours gives plain text, so one renderer serves terminals, pipes and tests. Control characters in
 * what others wrote never reach the terminal: a process may call itself anything.
 */
import * as PrintableText from "../../domain/config/PrintableText.ts"

export interface Style {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
}

const same = (text: string): string => text

export const plain: Style = { good: same, bad: same, warn: same, dim: same, bold: same }

const sgr = (open: number, close: number) => (text: string): string => `\u001b[${open}m${text}\u001b[${close}m`

export const coloured: Style = {
  good: sgr(32, 39),
  bad: sgr(31, 39),
  warn: sgr(33, 39),
  dim: sgr(2, 22),
  bold: sgr(1, 22)
}

/** Colours only where they are seen and not refused (https://no-color.org). */
export const forStream = (
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>
): Style => stream.isTTY === true && (environment["NO_COLOR"] ?? "") === "" ? coloured : plain

// oxlint-disable-next-line no-control-regex
const sgrSequence = /(\u001b\[[0-9;]*m)/g

/** Text from elsewhere, made harmless. */
export const clean: (text: string) => string = PrintableText.oneLine

/** Columns it takes, colours aside. Wide characters count once: names here are almost always ASCII. */
export const width = (text: string): number => [...text.replaceAll(sgrSequence, "")].length

/** At most `columns` wide, with an ellipsis where something was cut. For text without colours. */
export const fit = (text: string, columns: number): string => {
  const characters = [...text]
  if (characters.length <= columns) return text
  return columns <= 0 ? "" : `${characters.slice(0, columns - 1).join("")}…`
}

/** Lines of at most `columns`, broken between words where that is possible; what is left after `linesMax` is cut. */
export const wrap = (text: string, columns: number, linesMax: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let rest = text
  while (lines.length < linesMax - 1 && width(rest) > columns) {
    const head = [...rest].slice(0, columns + 1).join("")
    const space = head.lastIndexOf(" ")
    const end = space > 0 ? space : [...rest].slice(0, columns).join("").length
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return [...lines, fit(rest, columns)]
}

export const padEnd = (text: string, columns: number): string => text + " ".repeat(Math.max(0, columns - width(text)))

export const padStart = (text: string, columns: number): string => " ".repeat(Math.max(0, columns - width(text))) + text

/** Cuts a coloured line at a column, keeping the colours closed. */
export const cut = (line: string, columns: number): string => {
  if (width(line) <= columns) return line
  let rest = columns - 1
  let result = ""
  for (const part of line.split(sgrSequence)) {
    if (part.startsWith("\u001b[")) {
      result += part
      continue
    }
    const characters = [...part]
    result += characters.slice(0, Math.max(0, rest)).join("")
    if (characters.length > rest && rest >= 0) {
      result += "…"
      rest = -1
    } else {
      rest -= characters.length
    }
  }
  return result
}
