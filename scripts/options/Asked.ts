/** What a script was asked for: what is wrong with that ends it with 2 and one line, and is not something that broke. */
import * as fs from "node:fs"

export const end = (why: string): never => {
  console.error(why)
  process.exit(2)
}

export const refuse = (option: string, value: string, expected: string): never =>
  end(`--${option} is ${value}, expected ${expected}`)

/** What cannot be read ends the script. */
export const read = <A>(what: () => A): A => {
  try {
    return what()
  } catch (cause) {
    return end(cause instanceof Error ? cause.message : String(cause))
  }
}

/** A number from `least`, and to `most` where there is such a one; a whole one unless told. */
export const number = (option: string, text: string, least: number, isWhole = true, most = Infinity): number => {
  const value = text.trim() === "" ? NaN : Number(text)
  const isFit = Number.isFinite(value) && value >= least && value <= most && (!isWhole || Number.isSafeInteger(value))
  const to = most === Infinity ? "" : ` to ${most}`
  return isFit ? value : refuse(option, text, `a ${isWhole ? "whole " : ""}number from ${least}${to}`)
}

/** With `--help` a script says what stands at its head, and ends. */
export const help = (script: string): void => {
  if (!process.argv.includes("--help")) return
  const head = fs.readFileSync(script, "utf8").split("\n */\n")[0] ?? ""
  console.log(head.split("\n").slice(1).map((line) => line.replace(/^ \* ?/, "")).join("\n"))
  process.exit(0)
}
