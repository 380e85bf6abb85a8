/** Plays the poller: bare grpc-js, so that what is measured beside it is the agent's. */
import * as grpc from "@grpc/grpc-js"
import { setTimeout as sleep } from "node:timers/promises"
import { AgentServiceService, type StatusRequest, type StatusResponse } from "../../src/gen/monitoring/monitoring.ts"
import * as Forked from "../processes/Forked.ts"
import type { Answer, Check, Question } from "./Protocol.ts"

const { path, requestSerialize, responseDeserialize } = AgentServiceService.getStatus
const clients = new Map<string, grpc.Client>()

const clientOf = (address: string): grpc.Client => {
  const known = clients.get(address) ?? new grpc.Client(address, grpc.credentials.createInsecure())
  clients.set(address, known)
  return known
}

/** What it keeps for each check is of no interest to the collector, whose pauses would be taken for the agent's. */
class Tally {
  calls = 0
  failed = 0
  readonly unavailable = new Set<string>()
  #count = 0
  #took = new Float64Array(2 ** 16)
  #asked = new Float64Array(2 ** 16)
  #types = new Uint8Array(2 ** 16)
  readonly #names: Array<string> = []
  readonly longestMillis: Record<string, number> = {}

  took(type: string, began: number, millis: number): void {
    if (this.#count === this.#took.length) this.#grow()
    const known = this.#names.indexOf(type)
    this.#took[this.#count] = millis
    this.#asked[this.#count] = performance.timeOrigin + began
    this.#types[this.#count] = known < 0 ? this.#names.push(type) - 1 : known
    this.#count += 1
    this.longestMillis[type] = Math.max(this.longestMillis[type] ?? 0, Math.round(millis))
  }

  #grow(): void {
    const length = 2 * this.#took.length
    const [took, asked, types] = [new Float64Array(length), new Float64Array(length), new Uint8Array(length)]
    took.set(this.#took)
    asked.set(this.#asked)
    types.set(this.#types)
    this.#took = took
    this.#asked = asked
    this.#types = types
  }

  get answer(): Answer {
    const { calls, failed, longestMillis } = this
    return {
      calls,
      failed,
      unavailable: [...this.unavailable],
      tookMillis: [...this.#took.subarray(0, this.#count)],
      askedMillis: [...this.#asked.subarray(0, this.#count)],
      types: Array.from(this.#types.subarray(0, this.#count), (type) => this.#names[type] ?? ""),
      longestMillis
    }
  }
}

const ask = (client: grpc.Client, { isBad = false, ...check }: Check, tally: Tally): Promise<void> =>
  new Promise((resolve) => {
    const began = performance.now()
    client.makeUnaryRequest<StatusRequest, StatusResponse>(
      path,
      requestSerialize,
      responseDeserialize,
      { ...check, agentId: "", pollerId: "bench" },
      { deadline: Date.now() + 30_000 },
      (error, response) => {
        tally.calls += 1
        if (error !== null) tally.failed += 1
        if (!isBad) {
          tally.took(check.serviceType, began, performance.now() - began)
          if (response?.available !== true) {
            tally.unavailable.add(`${check.serviceType}: ${error?.message ?? response?.message.toString() ?? ""}`)
          }
        }
        resolve()
      }
    )
  })

const paced = async (question: Extract<Question, { readonly ask: "paced" }>): Promise<Answer> => {
  const { address, checks, intervalMillis, seconds } = question
  const client = clientOf(address)
  const tally = new Tally()
  const began = performance.now()
  const isOver = () => performance.now() - began >= seconds * 1_000
  await Promise.all(checks.map(async (check, index) => {
    await sleep(intervalMillis * index / checks.length)
    for (let turn = 1; !isOver(); turn++) {
      await ask(client, check, tally)
      const next = intervalMillis * (turn + index / checks.length) - (performance.now() - began)
      if (next > 0) await sleep(Math.min(next, Math.max(0, seconds * 1_000 - (performance.now() - began))))
    }
  }))
  return tally.answer
}

const flatOut = async (question: Extract<Question, { readonly ask: "flat out" }>): Promise<Answer> => {
  const { address, checks, seconds } = question
  const client = clientOf(address)
  const tally = new Tally()
  const end = performance.now() + seconds * 1_000
  await Promise.all(checks.map(async (check) => {
    while (performance.now() < end) await ask(client, check, tally)
  }))
  return tally.answer
}

Forked.answer((text) => {
  const question: Question = JSON.parse(text)
  return question.ask === "paced" ? paced(question) : flatOut(question)
})
