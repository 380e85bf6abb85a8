/**
 * Indents JSON as text, so that every number stays as it was written: nanoseconds since 1970 do not fit in a `number`.
 *
 * For text that is known to be JSON.
 */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs

export const indent = (json: string): string => {
  let text = ""
  let depth = 0
  let before = ""
  const newLine = () => {
    text += `\n${"  ".repeat(depth)}`
  }
  for (const [part] of json.matchAll(token)) {
    const isEnd = part === "}" || part === "]"
    const isEmpty = isEnd && (before === "{" || before === "[")
    if (isEnd) depth -= 1
    if ((isEnd && !isEmpty) || (!isEnd && (before === "{" || before === "[" || before === ","))) newLine()
    text += part === ":" ? ": " : part
    if (part === "{" || part === "[") depth += 1
    before = part
  }
  return text
}
