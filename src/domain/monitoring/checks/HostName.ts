/**
 * Names of hosts as the name service has them. An international name is given in the form that is looked up: `bücher.example`
 * is `xn--bcher-kva.example` to everybody but its readers.
 */
const labelPattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
const lengthMax = 253

/** Characters of a URL that are none of a name, and those that none has. */
const foreign = /[\s/\\?#@:[\]%<>^|`{}"]/
const ascii = /^[\p{ASCII}]*$/u

/** The text itself where it is ASCII, or no name. */
export const toAscii = (text: string): string => {
  if (ascii.test(text) || foreign.test(text)) return text
  const name = URL.parse(`http://${text}`)?.hostname ?? ""
  return name === "" ? text : name
}

export const isHostName = (text: string): boolean => {
  const name = text.endsWith(".") ? text.slice(0, -1) : text
  return name.length > 0 && name.length <= lengthMax
    && name.split(".").every((label) => labelPattern.test(label))
    // All-numeric names are mistyped IPv4 addresses, and resolvers read them as such.
    && !/^[0-9.]+$/.test(name)
}
