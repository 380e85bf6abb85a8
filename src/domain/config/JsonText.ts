/**
 * JSON text read into a tree that remembers where everything stood.
 *
 * `JSON.parse` cannot be used for configuration: it keeps the last of two equal keys without a word (a duplicate agent
 * would vanish), and it gives no line for a value that is valid JSON but wrong. Accepts exactly RFC 8259, nested at
 * most `depthMax` deep; a leading byte order mark is skipped, because editors on Windows write one.
 */
import { Result } from "effect"

/** Both count from 1, in UTF-16 code units, as editors show them. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface JsonEntry {
  readonly key: string
  readonly at: Position
  readonly node: JsonNode
}

export type JsonNode =
  | {
    readonly _tag: "Scalar"
    readonly at: Position
    readonly value: string | number | boolean | null
    /** Of a number that is beyond every other. */
    readonly written?: string
  }
  | { readonly _tag: "Array"; readonly at: Position; readonly items: ReadonlyArray<JsonNode> }
  | { readonly _tag: "Object"; readonly at: Position; readonly entries: ReadonlyArray<JsonEntry> }

export interface JsonSyntaxProblem {
  readonly at: Position
  /** What was expected there, in words: `a comma or "}"`. */
  readonly expectation: string
}

const depthMax = 100

const whitespace = /[ \t\r\n]*/y
const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// oxlint-disable-next-line no-control-regex -- RFC 8259 forbids raw control characters in strings.
const stringToken = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const words: ReadonlyArray<readonly [string, boolean | null]> = [["true", true], ["false", false], ["null", null]]

/** A cursor over the text; the first problem found stops all reading. */
class Reader {
  private offset: number
  private problem: { readonly offset: number; readonly expectation: string } | undefined
  private readonly lineStarts: ReadonlyArray<number>
  private readonly text: string

  constructor(text: string) {
    this.text = text
    this.offset = text.startsWith("\uFEFF") ? 1 : 0
    this.lineStarts = [0, ...Array.from(text.matchAll(/\n/g), (found) => found.index + 1)]
  }

  document(): Result.Result<JsonNode, JsonSyntaxProblem> {
    const node = this.value(0)
    this.skip()
    if (node !== undefined && this.offset < this.text.length) this.fail("the end of the document")
    if (node === undefined || this.problem !== undefined) {
      const { expectation, offset } = this.problem ?? { expectation: "a value", offset: this.offset }
      return Result.fail({ at: this.position(offset), expectation })
    }
    return Result.succeed(node)
  }

  private value(depth: number): JsonNode | undefined {
    this.skip()
    const start = this.offset
    switch (this.text[start]) {
      case "{":
        return depth === depthMax ? this.fail(`at most ${depthMax} levels of nesting`) : this.object(depth)
      case "[":
        return depth === depthMax ? this.fail(`at most ${depthMax} levels of nesting`) : this.array(depth)
      case "\"": {
        const value = this.string()
        return value === undefined ? undefined : { _tag: "Scalar", at: this.position(start), value }
      }
    }
    const number = this.take(numberToken)
    if (number !== undefined) {
      const scalar = { _tag: "Scalar", at: this.position(start), value: Number(number) } as const
      return Number.isFinite(scalar.value) ? scalar : { ...scalar, written: number }
    }
    const word = words.find(([text]) => this.text.startsWith(text, start))
    if (word === undefined) return this.fail("a value")
    this.offset += word[0].length
    return { _tag: "Scalar", at: this.position(start), value: word[1] }
  }

  private object(depth: number): JsonNode | undefined {
    const at = this.position(this.offset)
    const entries: Array<JsonEntry> = []
    this.offset += 1
    if (this.accept("}")) return { _tag: "Object", at, entries }
    do {
      this.skip()
      const keyOffset = this.offset
      const key = this.text[keyOffset] === "\"" ? this.string() : this.fail("a key in double quotes")
      if (key === undefined) return undefined
      if (!this.accept(":")) return this.fail("a colon")
      const node = this.value(depth + 1)
      if (node === undefined) return undefined
      entries.push({ key, at: this.position(keyOffset), node })
    } while (this.accept(","))
    return this.accept("}") ? { _tag: "Object", at, entries } : this.fail("a comma or \"}\"")
  }

  private array(depth: number): JsonNode | undefined {
    const at = this.position(this.offset)
    const items: Array<JsonNode> = []
    this.offset += 1
    if (this.accept("]")) return { _tag: "Array", at, items }
    do {
      const node = this.value(depth + 1)
      if (node === undefined) return undefined
      items.push(node)
    } while (this.accept(","))
    return this.accept("]") ? { _tag: "Array", at, items } : this.fail("a comma or \"]\"")
  }

  private string(): string | undefined {
    const token = Result.try(() => this.take(stringToken))
    // The engine keeps each escape on its stack, which is full after millions of them.
    if (Result.isFailure(token)) return this.fail("a string with fewer escapes")
    return token.success === undefined
      ? this.fail("a string without raw control characters, ended by a quote")
      : unescape(token.success)
  }

  private take(token: RegExp): string | undefined {
    token.lastIndex = this.offset
    const found = token.exec(this.text)?.[0]
    if (found !== undefined) this.offset += found.length
    return found
  }

  private accept(character: string): boolean {
    this.skip()
    if (this.text[this.offset] !== character) return false
    this.offset += 1
    return true
  }

  private skip(): void {
    this.take(whitespace)
  }

  private fail(expectation: string): undefined {
    this.problem ??= { offset: this.offset, expectation }
    return undefined
  }

  private position(offset: number): Position {
    let low = 0
    let high = this.lineStarts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (this.lineStarts[low] ?? 0) + 1 }
  }
}

const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }

const unescape = (token: string): string =>
  token.slice(1, -1).replace(
    /\\(?:u([0-9a-fA-F]{4})|(.))/g,
    (_, hex: string | undefined, letter: string) =>
      hex === undefined ? escapes[letter] ?? letter : String.fromCharCode(Number.parseInt(hex, 16))
  )

/** Reads a whole document, or says where and why it is not JSON. */
export const parse = (text: string): Result.Result<JsonNode, JsonSyntaxProblem> => new Reader(text).document()
