/** The version in package.json, which is two folders above `programs` in the sources and in what is compiled from them. */
import * as fs from "node:fs"

export const packageVersion = (): string => {
  const text: unknown = JSON.parse(fs.readFileSync(new URL("../../../package.json", import.meta.url), "utf8"))
  const version = typeof text === "object" && text !== null && "version" in text ? text.version : undefined
  return typeof version === "string" ? version : "unknown"
}
