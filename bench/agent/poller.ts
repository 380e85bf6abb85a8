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

class Tally {
  calls = 0
  failed = 0
  readonly unavailable = new Set<string>()
  readonly tookMillis: Array<number> = []
  readonly askedMillis: Array<number> = []
  readonly types: Array<string> = []
  readonly longestMillis: Record<string, number> = {}

  took(type: string, began: number, millis: number): void {
    this.tookMillis.push(millis)
    this.askedMillis.push(performance.timeOrigin + began)
    this.types.push(type)
    this.longestMillis[type] = Math.max(this.longestMillis[type] ?? 0, Math.round(millis))
  }

  get answer(): Answer {
    const { askedMillis, calls, failed, longestMillis, tookMillis, types } = this
    return { calls, failed, unavailable: [...this.unavailable], tookMillis, askedMillis, types, longestMillis }
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
