/**
 * What of a call's next message has arrived and is held until the rest comes.
 *
 * Senders that begin large messages and go on slowly, or never, must not fill the memory: a server has one
 * room for unfinished messages, and no address gets more than its share of it. What a stream's window of
 * HTTP/2 admits anyway is not counted, so small messages pass beside a peer that uses its room up.
 */
import type * as http2 from "node:http2"
import type { ByteBudget, ByteLimits } from "../../ByteBudget.ts"
import { ResourceExhausted } from "../../GrpcError.ts"
import * as PeerAddress from "./PeerAddress.ts"

const bytesPerPeerMax = 64 * 2 ** 20
/** Of the largest messages, whatever the operator allows. */
const messagesPerPeerMin = 2
const peersMin = 3

/** The room of a server that takes messages of this size. */
export const limitsFor = (maxReceiveBytes: number): ByteLimits => {
  const perPeer = Math.max(bytesPerPeerMax, messagesPerPeerMin * maxReceiveBytes)
  return { bytesMax: peersMin * perPeer, bytesPerPeerMax: perPeer }
}

const uncountedBytes = 65_536

export class Arriving {
  readonly #budget: ByteBudget
  readonly #address: string
  #counted = 0

  constructor(stream: http2.ServerHttp2Stream, budget: ByteBudget) {
    this.#budget = budget
    this.#address = PeerAddress.ofSession(stream.session).address
  }

  /** Says how much is held from now on; the refusal when that is too much. */
  hold(bytes: number): ResourceExhausted | undefined {
    const counted = Math.max(0, bytes - uncountedBytes)
    const more = counted - this.#counted
    if (more < 0) this.#budget.give(this.#address, -more)
    const overrun = more > 0 ? this.#budget.take(this.#address, more) : undefined
    if (overrun !== undefined) {
      const peer = `messages that ${this.#address} has not finished`
      return new ResourceExhausted({ detail: this.#budget.refusalOf(overrun, { peer, all: "unfinished messages" }) })
    }
    this.#counted = counted
    return undefined
  }
}
