/** Somebody who asks sync for its devices again and again, keeps a copy by what has become different, and says what it has. */
import { Effect, Schema, Stream } from "effect"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as DeltaChunks from "../../../src/layers/sync/DeltaChunks.ts"

/** Between two times that it asks. */
export const everyMillis = 30_000
/** So many times it asks for what is different, and then for everything. */
const fullEvery = 8

const Element = Schema.Struct({
  sync_answer: Schema.optionalKey(Schema.Literals(["full", "delta"])),
  sync_sequence: Schema.optionalKey(Schema.String),
  sync_key: Schema.optionalKey(Schema.String),
  sync_removed: Schema.optionalKey(Schema.Boolean),
  hostname: Schema.optionalKey(Schema.String),
  metadata: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})
type Element = typeof Element.Type
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Element)))

/** What somebody who has asked sync knows now. */
export interface SyncCopy {
  readonly sequence: number
  /** Names by id. */
  readonly devices: ReadonlyMap<number, string>
  /** Ids. */
  readonly retracted: ReadonlySet<number>
}

const copyOf = (sequence: number, elements: Iterable<Element>): SyncCopy => {
  const devices = new Map<number, string>()
  const retracted = new Set<number>()
  for (const { hostname = "", metadata } of elements) {
    if (metadata === undefined) continue
    const id = Number(metadata["netbox_device_id"])
    if (metadata["_deleted"] === "true") retracted.add(id)
    else devices.set(id, hostname)
  }
  return { sequence, devices, retracted }
}

export const program = (target: string, onCopy: (copy: SyncCopy) => void) =>
  Effect.scoped(Effect.gen(function*() {
    const client = yield* GrpcClient.make(AgentServiceService, { target })
    /** By sync's own key. */
    const kept = new Map<string, Element>()
    let sequence = ""

    const ask = (lastSequence: string, hasDeltas: boolean) =>
      Stream.runFold(
        client.streamResults({
          serviceName: "sync",
          serviceType: "sync",
          agentId: "sync",
          pollerId: "reader",
          details: "",
          lastSequence,
          completionStatus: undefined
        }, hasDeltas ? { metadata: { [DeltaChunks.metadataKey]: "1" } } : {}),
        () => ({ elements: new Array<Element>(), sequence: "" }),
        (all, chunk) => {
          for (const element of decode(chunk.data.toString())) all.elements.push(element)
          all.sequence = chunk.currentSequence
          return all
        }
      ).pipe(Effect.timeout("20 seconds"))

    const whole = Effect.map(ask("", false), (all) => onCopy(copyOf(Number(all.sequence), all.elements)))

    const changed = Effect.map(Effect.suspend(() => ask(sequence, true)), ({ elements }) => {
      const [answer, ...rest] = elements
      if (answer?.sync_answer === undefined) return
      if (answer.sync_answer === "full") kept.clear()
      for (const element of rest) {
        if (element.sync_key === undefined) continue
        if (element.sync_removed === true) kept.delete(element.sync_key)
        else kept.set(element.sync_key, element)
      }
      sequence = answer.sync_sequence ?? ""
      onCopy(copyOf(Number(sequence), kept.values()))
    })

    for (let count = 0;; count += 1) {
      yield* Effect.ignore(count % fullEvery === 0 ? whole : changed)
      yield* Effect.sleep(everyMillis)
    }
  }))
