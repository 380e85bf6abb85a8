/**
 * The rows of one message's elements, and the elements that cannot become one: each costs itself and not its neighbours.
 *
 * Refused elements are kept as messages of their own. Where nothing of a message can be read, or too much of it cannot, the
 * message as a whole is refused.
 */
import { Result } from "effect"
import * as RowWeight from "../storing/RowWeight.ts"
import { rowsPerMessageMax } from "../stream/EventMessage.ts"
import { fail, type Problem } from "./DecodeError.ts"

export interface RefusedElement {
  /** Its place among the message's elements, the same at every delivery. */
  readonly element: number
  readonly problem: Problem
  /** What is published for it when it is tried again. */
  readonly data: Uint8Array
}

export interface Elements<out Row> {
  readonly rows: ReadonlyArray<Row>
  readonly refused: ReadonlyArray<RefusedElement>
  /** About how many bytes the rows are in a statement; 0 for a single one, as its payload is measure enough. */
  readonly weight: number
}

/** More of one message make it as a whole unreadable: each is to be published, and all before it is acknowledged. */
export const refusedMax = 256

type Path = Problem["path"]

const noneRefused: ReadonlyArray<RefusedElement> = []

export class Collector<Row extends object> {
  /** Nearly all messages have one, and rows wait in memory by the ten thousand: an array that grows is ten times as large. */
  #only: Row | undefined
  #rows: Array<Row> | undefined
  #refused: Array<RefusedElement> | undefined
  #weight = 0
  #problem: Problem | undefined

  /** Elements so far, whatever became of them: the place of the next one. */
  get count(): number {
    return (this.#rows?.length ?? (this.#only === undefined ? 0 : 1)) + (this.#refused?.length ?? 0)
  }

  /** Nothing more is wanted: the message is refused as a whole. */
  get isOver(): boolean {
    return this.#problem !== undefined
  }

  add(row: Row): void {
    if (this.#rows === undefined) {
      if (this.#only === undefined) {
        this.#only = row
        return
      }
      this.#rows = [this.#only]
      this.#weight = RowWeight.ofRow(this.#only)
    }
    this.#rows.push(row)
    if (this.#rows.length > rowsPerMessageMax) this.fail([], `expected at most ${rowsPerMessageMax} rows`)
    this.#weight += RowWeight.ofRow(row)
    // Before they fill the memory.
    if (this.#weight > RowWeight.weightMax) this.fail([], RowWeight.problem)
  }

  refuse(problem: Problem, data: () => Uint8Array): void {
    this.#refused ??= []
    if (this.#refused.length < refusedMax) {
      this.#refused.push({ element: this.count, problem, data: data() })
      return
    }
    const [first] = this.#refused
    const why = first === undefined ? "" : `, the first because: ${first.problem.reason}`
    this.fail(first?.problem.path ?? [], `expected at most ${refusedMax} elements that cannot be read${why}`)
  }

  /** A row, or the problem of an element that `path` leads to. */
  take(result: Result.Result<Row, Problem>, path: Path, data: () => Uint8Array): void {
    if (Result.isSuccess(result)) this.add(result.success)
    else this.refuse({ path: [...path, ...result.failure.path], reason: result.failure.reason }, data)
  }

  fail(path: Path, reason: string): void {
    this.#problem ??= { path, reason }
  }

  finish(): Result.Result<Elements<Row>, Problem> {
    if (this.#problem !== undefined) return Result.fail(this.#problem)
    const rows = this.#rows?.slice() ?? (this.#only === undefined ? [] : [this.#only])
    const refused = this.#refused ?? noneRefused
    const [first] = refused
    return first !== undefined && rows.length === 0
      ? fail(first.problem.path, first.problem.reason)
      : Result.succeed({ rows, refused, weight: this.#weight })
  }
}
