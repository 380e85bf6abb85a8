/** A peer that keeps its own copy of the list and asks only for what has become different. */
import { Effect, Schema, Stream } from "effect"
import { AgentServiceService, type ResultsChunk } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"

const Element = Schema.Record(Schema.String, Schema.Unknown)
type Element = typeof Element.Type

const decodeList = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Element)))

const Answer = Schema.Struct({
  sync_answer: Schema.Literals(["full", "delta"]),
  sync_since: Schema.optionalKey(Schema.String),
  sync_sequence: Schema.String,
  sync_renewed: Schema.Record(Schema.String, Schema.String)
})
type Answer = typeof Answer.Type
const decodeAnswer = Schema.decodeUnknownSync(Answer)

export interface Copy {
  readonly sequence: string
  readonly elements: ReadonlyMap<string, Element>
}

export const empty: Copy = { sequence: "", elements: new Map() }

const requestOf = (lastSequence: string) => ({
  serviceName: "sync",
  serviceType: "sync",
  agentId: "",
  pollerId: "p",
  details: "",
  lastSequence,
  completionStatus: undefined
})

export const listOf = (chunks: ReadonlyArray<ResultsChunk>): ReadonlyArray<Element> =>
  chunks.flatMap(({ data }) => decodeList(data.toString("utf8")))

/** By the rules of docs/sync.md. */
const applied = (copy: Copy, list: ReadonlyArray<Element>): { readonly copy: Copy; readonly answer: Answer } => {
  const answer = decodeAnswer(list[0])
  const elements = new Map(answer.sync_answer === "full" ? [] : copy.elements)
  for (const { sync_key: key, ...element } of list.slice(1)) {
    if (typeof key !== "string") throw new Error(`an element without a key: ${JSON.stringify(element)}`)
    if (element["sync_removed"] === true) elements.delete(key)
    else elements.set(key, element)
  }
  for (const [source, timestamp] of Object.entries(answer.sync_renewed)) {
    for (const [key, element] of elements) {
      if (key.startsWith(`devices/${encodeURIComponent(source)}/`)) elements.set(key, { ...element, timestamp })
    }
  }
  return { answer, copy: { sequence: answer.sync_sequence, elements } }
}

export const make = Effect.fnUntraced(function*(target: string) {
  const client = yield* GrpcClient.make(AgentServiceService, { target })
  const asking = { metadata: { "serviceradar-deltas": "1" } }
  return {
    /** As a Go poller asks: always with the sequence that it had last. */
    plain: (lastSequence: string) => Stream.runCollect(client.streamResults(requestOf(lastSequence))),
    stream: (copy: Copy) =>
      Effect.map(Stream.runCollect(client.streamResults(requestOf(copy.sequence), asking)), (chunks) => ({
        chunks,
        ...applied(copy, listOf(chunks))
      })),
    results: (copy: Copy) =>
      Effect.map(
        client.getResults(requestOf(copy.sequence), asking),
        ({ data }) => applied(copy, decodeList(data.toString("utf8")))
      )
  }
})
