/**
 * What an agent of ill will puts on the wire in the place of its answers: more than anybody can use, what is not so, and what
 * nobody can read. The real agent behind it goes on, and answers again when the ill will is over.
 */
import { Effect } from "effect"
import type { Seeded } from "../../../src/domain/simulation/Seeded.ts"
import {
  AgentServiceService,
  ResultsChunk,
  ResultsRequest,
  ResultsResponse,
  StatusResponse
} from "../../../src/gen/monitoring/monitoring.ts"
import type { Carrier, IncomingCall } from "../../../src/layers/grpc/carrier/GrpcCarrier.ts"
import type { AgentDealings } from "../AgentDealings.ts"

/** In every document of theirs, by which it is known wherever it comes. */
export const mark = "ill will"

export interface IllWill {
  /** Answers are as large as may be, and those of streams have no end. */
  floods: boolean
  /** Answers are in the names of others, of another time, and say that all is well. */
  deceives: boolean
  /** Answers are no messages, or hold what databases do not take. */
  poisons: boolean
}

export interface IllParty {
  readonly name: string
  readonly agents: ReadonlyArray<string>
  /** Of each agent. */
  readonly checks: number
  readonly will: IllWill
  readonly random: Seeded
  readonly dealings: AgentDealings
}

/** In each interval, from all checks together: more than an agent may send for long, and no message too large for gRPC. */
const floodBytes = 1_800_000
const answerBytesMax = 1_700_000
const chunkBytes = 16_384
const chunkEvery = "1 second"

const farAhead = 4_102_444_800n
const most = 9_223_372_036_854_775_807n

/** A field that is longer than the message. */
const unreadable = Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00])

const documentOf = (about: object): Buffer => Buffer.from(JSON.stringify({ [mark]: true, ...about }))

const poisons: ReadonlyArray<Buffer> = [
  Buffer.from(`{"${mark}":"a \0 b"}`),
  Buffer.from(`{"${mark}":"a \\u0000 b \\ud800"}`),
  Buffer.concat([
    Buffer.from(`{"${mark}":"`),
    Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
    Buffer.from(`"}`)
  ]),
  Buffer.concat([Buffer.from([0x00, 0xff]), Buffer.from(mark)])
]

const answer: StatusResponse = {
  available: true,
  message: Buffer.alloc(0),
  serviceName: "",
  serviceType: "port",
  responseTime: 5_000_000n,
  agentId: "",
  pollerId: ""
}

/** By its size: one for all, which nobody changes. */
const floods = new Map<number, Buffer>()

const floodOf = (bytes: number): Buffer => {
  const before = floods.get(bytes)
  if (before !== undefined) return before
  const made = Buffer.concat([Buffer.from(`{"${mark}":"`), Buffer.alloc(bytes, "x"), Buffer.from(`"}`)])
  floods.set(bytes, made)
  return made
}

/** A sequence begins with it of which nobody can tell what was stored. */
const untold = "unknown "

class Ill {
  readonly #party: IllParty
  #sequence = 0

  constructor(party: IllParty) {
    this.#party = party
  }

  status(): Buffer {
    const { agents, random, will } = this.#party
    if (will.poisons) {
      if (random.chance(0.3)) return unreadable
      const agentId = random.chance(0.3) ? `${random.pick(agents)}\0` : ""
      return this.#status({ message: random.pick(poisons) ?? unreadable, agentId })
    }
    if (will.floods) return this.#status({ message: this.#flooding() })
    return this.#status({
      message: documentOf({ measured: random.between(0, 1_000) }),
      agentId: random.pick(agents) ?? "",
      pollerId: `poller-${random.between(0, 9)}`,
      serviceName: `check-${random.between(0, 9)}`,
      responseTime: random.chance(0.5) ? most : -most
    })
  }

  results({ lastSequence }: ResultsRequest): Buffer {
    const { agents, name, random, will } = this.#party
    if (will.poisons && random.chance(0.3)) return unreadable
    const sequence = this.#next(lastSequence)
    return Buffer.from(
      ResultsResponse.encode({
        available: true,
        data: will.poisons
          ? random.pick(poisons) ?? unreadable
          : will.floods
          ? this.#flooding()
          : documentOf({ given: `${name} ${sequence}` }),
        serviceName: "",
        serviceType: "",
        responseTime: most,
        agentId: will.deceives ? random.pick(agents) ?? "" : "",
        pollerId: "",
        timestamp: farAhead,
        currentSequence: sequence,
        hasNewData: random.chance(0.5),
        sweepCompletion: undefined
      }).finish()
    )
  }

  /** Answers the last frame. */
  stream(incoming: IncomingCall, { lastSequence }: ResultsRequest): Effect.Effect<Buffer | undefined> {
    const { name, random, will } = this.#party
    if (will.poisons) {
      return Effect.succeed(random.chance(0.5) ? unreadable : this.#chunk(random.pick(poisons), 0, 1, ""))
    }
    if (will.floods) return this.#endless(incoming)
    const sequence = this.#next(lastSequence)
    const document = Buffer.concat([Buffer.from("["), documentOf({ given: `${name} ${sequence}` }), Buffer.from("]")])
    // One of several that are never sent, one too many, or as it should be.
    const [index, total] = random.pick([[1, 3], [2, 1], [0, 1], [0, 1]]) ?? [0, 1]
    return Effect.succeed(this.#chunk(document, index, total, sequence))
  }

  #endless(incoming: IncomingCall): Effect.Effect<never> {
    const data = Buffer.concat([Buffer.from(`[{"${mark}":"`), Buffer.alloc(chunkBytes, "x"), Buffer.from(`"}]`)])
    const frame = this.#chunk(data, 0, 0, "endless", false)
    let sent = 0
    const one = Effect.suspend(() => {
      sent += 1
      this.#party.dealings.chunk(this.#party.name, sent)
      return Effect.andThen(incoming.write(frame), Effect.sleep(chunkEvery))
    })
    return Effect.forever(one)
  }

  #chunk(data: Buffer | undefined, chunkIndex: number, totalChunks: number, currentSequence: string, isFinal = true) {
    return Buffer.from(
      ResultsChunk.encode({
        data: data ?? unreadable,
        isFinal,
        chunkIndex,
        totalChunks,
        currentSequence,
        timestamp: farAhead
      }).finish()
    )
  }

  #status(told: Partial<StatusResponse>): Buffer {
    return Buffer.from(StatusResponse.encode({ ...answer, ...told }).finish())
  }

  #flooding(): Buffer {
    return floodOf(Math.min(answerBytesMax, Math.floor(floodBytes / this.#party.checks)))
  }

  /** One more, one that was before, or the one that was asked for. */
  #next(lastSequence: string): string {
    const { dealings, name, random, will } = this.#party
    dealings.asked(name, lastSequence)
    this.#sequence += random.pick([1, 1, 1, -2]) ?? 1
    // Of other documents nobody can tell which of them core has stored.
    if (!will.deceives || will.floods || will.poisons) return `${untold}${this.#sequence}`
    const sequence = random.chance(0.2) ? lastSequence : `${this.#sequence}`
    if (!sequence.startsWith(untold)) dealings.given(name, sequence)
    return sequence
  }
}

/** What the agent serves goes out as it is, unless it is of ill will. */
export const carrier = (inner: Carrier, party: IllParty): Carrier => {
  const ill = new Ill(party)
  const { will } = party
  const isIll = () => will.floods || will.deceives || will.poisons
  const answers: Readonly<
    Record<string, (incoming: IncomingCall, request: Buffer) => Effect.Effect<Buffer | undefined>>
  > = {
    [AgentServiceService.getStatus.path]: () => Effect.sync(() => ill.status()),
    [AgentServiceService.getResults.path]: (_, bytes) => Effect.sync(() => ill.results(ResultsRequest.decode(bytes))),
    [AgentServiceService.streamResults.path]: (incoming, bytes) =>
      Effect.suspend(() => ill.stream(incoming, ResultsRequest.decode(bytes)))
  }
  return {
    open: inner.open,
    listen: (serving) =>
      inner.listen({
        ...serving,
        methods: new Map([...serving.methods].map(([path, serve]) => {
          const instead = answers[path]
          if (instead === undefined) return [path, serve]
          return [path, (incoming, call) =>
            Effect.suspend(() =>
              isIll()
                ? Effect.flatMap(incoming.read, ([request = Buffer.alloc(0)]) => instead(incoming, request))
                : serve(incoming, call)
            )]
        }))
      })
  }
}
