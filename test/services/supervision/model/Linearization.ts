/**
 * Whether what callers at the same time were answered is what the model answers to all of them, one after the other, in
 * some order that leaves each caller's own order alone and puts nothing before what was answered before it was asked.
 */
import {
  type ModelFlags,
  type ModelSpec,
  type Operation,
  SupervisorModel
} from "../../../../src/services/supervision/testing/SupervisorModel.ts"

/** A request of one caller; `which` and `count` ask for `whichChildren` and `countChildren`. */
export type Call =
  | { readonly _tag: "request"; readonly operation: Operation }
  | { readonly _tag: "which" | "count" }
  /** A child ends by itself: its life of that number, counted from 1. Nobody is answered, and it counts whenever it is heard of. */
  | { readonly _tag: "exit"; readonly operation: Extract<Operation, { readonly _tag: "exit" }>; readonly life: number }

export interface Answered {
  readonly call: Call
  readonly reply: string
  /** Steps of one counter for all callers. */
  readonly askedAt: number
  readonly answeredAt: number
}

export interface Start {
  readonly flags: ModelFlags
  readonly specs: ReadonlyArray<ModelSpec>
  /** What is arranged before the callers begin. */
  readonly arrangements: ReadonlyArray<Operation>
}

const nothing: Operation = { _tag: "advance", millis: 0 }

/** The model after these calls, with the answer to the last, and what it says of itself. */
const after = ({ arrangements, flags, specs }: Start, done: ReadonlyArray<Answered>) => {
  const model = new SupervisorModel(flags, specs)
  const lives = new Map<string, number>()
  const perform = (operation: Operation) => {
    const seen = model.perform(operation)
    for (const word of seen.log.split(" ").filter((one) => one.startsWith("+"))) {
      lives.set(word.slice(1), (lives.get(word.slice(1)) ?? 0) + 1)
    }
    return seen
  }
  let seen = perform(nothing)
  for (const operation of arrangements) seen = perform(operation)
  let reply = ""
  for (const { call } of done) {
    if (call._tag === "request") {
      seen = perform(call.operation)
      reply = seen.reply
    } else if (call._tag === "exit") {
      if (lives.get(call.operation.id) === call.life) seen = perform(call.operation)
      reply = ""
    }
  }
  return { reply, seen }
}

interface Listing {
  readonly which: string
  readonly counts: string
}

const areConcurrent = (one: Answered, other: Answered): boolean =>
  one.askedAt <= other.answeredAt && other.askedAt <= one.answeredAt

/** The states of a child that a call passes through: of one that is, from one to one of the others, or of one that is added. */
const steps = (
  { call }: Answered
): { readonly id: string; readonly from?: string; readonly to: ReadonlyArray<string> } => {
  if (call._tag === "exit") return { id: call.operation.id, from: "running", to: ["restarting", "starting"] }
  const operation = call._tag === "request" ? call.operation : undefined
  switch (operation?._tag) {
    case "startChild":
      return { id: operation.spec.id, to: ["starting"] }
    case "restart":
      return { id: operation.id, from: "stopped", to: ["starting"] }
    case "terminate":
      return { id: operation.id, from: "running", to: ["stopping"] }
    default:
      return { id: "", to: [] }
  }
}

/** What a look at the children may find: what the model says, or one step of a call that is under way at that time. */
const listings = (model: Listing, one: Answered, all: ReadonlyArray<Answered>): ReadonlyArray<Listing> => [
  model,
  ...all.filter((other) => areConcurrent(one, other)).flatMap((other): ReadonlyArray<Listing> => {
    const { from, id, to } = steps(other)
    const [specs = 0, active = 0, supervisors = 0, workers = 0] = model.counts.split("/").map(Number)
    const children = model.which.split(" ")
    const place = children.findIndex((child) => child === `${id}:${from ?? ""}`)
    if (from === undefined && !children.some((child) => child.startsWith(`${id}:`))) {
      const counts = [specs + 1, active, supervisors, workers + 1].join("/")
      return to.map((state) => ({ which: `${id}:${state} ${model.which}`.trimEnd(), counts }))
    }
    if (place < 0) return []
    const counts = [specs, from === "running" ? active - 1 : active, supervisors, workers].join("/")
    return to.map((state) => ({ which: children.with(place, `${id}:${state}`).join(" "), counts }))
  })
]

/** An order that explains every answer and the end, or undefined. */
export const explain = (
  start: Start,
  callers: ReadonlyArray<ReadonlyArray<Answered>>,
  end: Listing
): ReadonlyArray<Answered> | undefined => {
  const all = callers.flat()

  const isExplained = (done: ReadonlyArray<Answered>, next: Answered): boolean => {
    const { reply, seen } = after(start, [...done, next])
    const { _tag } = next.call
    if (_tag === "request" || _tag === "exit") return next.reply === reply
    return listings(seen, next, all).some(({ counts, which }) => next.reply === (_tag === "which" ? which : counts))
  }

  const search = (
    done: ReadonlyArray<Answered>,
    left: ReadonlyArray<ReadonlyArray<Answered>>
  ): ReadonlyArray<Answered> | undefined => {
    if (done.length === all.length) {
      const { seen } = after(start, done)
      return seen.which === end.which && seen.counts === end.counts ? done : undefined
    }
    const earliestAnswer = Math.min(...left.flat().map(({ answeredAt }) => answeredAt))
    for (const [index, [next, ...rest]] of left.entries()) {
      if (next === undefined || next.askedAt > earliestAnswer || !isExplained(done, next)) continue
      const found = search([...done, next], left.map((calls, other) => other === index ? rest : calls))
      if (found !== undefined) return found
    }
    return undefined
  }

  // Who ends a child does not wait until that is heard of, so each such end has an order of its own.
  const isExit = ({ call }: Answered) => call._tag === "exit"
  return search([], [
    ...callers.map((calls) => calls.filter((one) => !isExit(one))),
    ...all.filter(isExit).map((one) => [one])
  ])
}
