/**
 * An Armis that makes its devices up as they are asked for, takes custom properties, and breaks as it is told to.
 *
 * `GET /_properties` tells which properties it has.
 */
import { Effect, Option, Schema } from "effect"
import type * as http from "node:http"
import * as FakeServer from "./FakeServer.ts"
import * as Faults from "./Faults.ts"
import * as Inventory from "./Inventory.ts"

export interface FakeArmis extends FakeServer.FakeSource {
  /** Writes that arrived, whatever became of them: the devices of each; the first thousand. */
  readonly writes: ReadonlyArray<ReadonlyArray<number>>
  /** Custom properties that were taken, by device and key, such as `17.Isolated`. */
  readonly properties: ReadonlyMap<string, unknown>
  readonly revokeTokens: () => void
}

const pageLengthMax = 1_000
const writesKept = 1_000

const Upserts = Schema.fromJsonString(Schema.Array(Schema.Struct({
  upsert: Schema.Struct({ deviceId: Schema.Int, key: Schema.String, value: Schema.Unknown })
})))
const decodeUpserts = Schema.decodeUnknownOption(Upserts)

const tokenSeconds = (fault: Faults.FaultKind | undefined): number => fault === "token-expired" ? -60 : 86_400

const elementsOf = (
  { network, revision }: FakeServer.FakeState,
  from: number,
  count: number,
  fault: Faults.FaultKind | undefined
): ReadonlyArray<unknown> =>
  Array.from({ length: count }, (_, at) => {
    const device = Inventory.armisDevice(from + at, network)
    if (revision > 0) device["name"] = `${String(device["name"])}-R${revision}`
    if (at !== 0) return device
    if (fault === "bad-id") return { ...device, id: "x" }
    if (fault === "bad-date") return { ...device, lastSeen: "2026-01-01 10:00" }
    if (fault === "bad-address") return { ...device, ipAddress: "not-an-ip" }
    if (fault === "no-address") return { ...device, ipAddress: "" }
    return fault === "ipv6" ? { ...device, ipAddress: "2001:DB8:0:0::1" } : device
  })

const pageOf = (
  state: FakeServer.FakeState,
  from: number,
  length: number,
  fault: Faults.FaultKind | undefined
): string => {
  const { devices } = state
  const count = Faults.countOf(fault, Math.max(0, Math.min(length, devices - from)))
  const results = from >= devices || count === undefined ? null : elementsOf(state, from, count, fault)
  const regular = from + length < devices ? from + length : 0
  const next: Partial<Record<Faults.FaultKind, number>> = {
    "empty-end": 0,
    "early-end": 0,
    "negative-next": -5,
    repeat: from === 0 ? length : from,
    endless: from + length
  }
  return JSON.stringify({
    data: {
      count: results?.length ?? 0,
      next: fault === undefined ? regular : next[fault] ?? regular,
      prev: null,
      results,
      total: devices
    },
    success: fault !== "success-false"
  })
}

/** Runs until the scope closes. */
export const serve = Effect.fnUntraced(function*(options: FakeServer.FakeOptions) {
  const writes: Array<ReadonlyArray<number>> = []
  const properties = new Map<string, unknown>()
  let tokens = new Set<string>()

  const giveToken = ({ state }: FakeServer.Call, response: http.ServerResponse): void => {
    const fault = state.plan.take(0, ["token-500", "token-refused", "token-expired"])
    if (fault === "token-500") return Faults.json(response, 500, "{\"error\":\"no token\"}")
    if (fault === "token-refused") return Faults.json(response, 200, "{\"success\":false}")
    const token = `fake-token-${crypto.randomUUID()}`
    tokens.add(token)
    const expiration = new Date(Date.now() + tokenSeconds(fault) * 1000).toISOString()
    Faults.json(
      response,
      200,
      JSON.stringify({ data: { access_token: token, expiration_utc: expiration }, success: true })
    )
  }

  const search = ({ die, port, request, response, state, url }: FakeServer.Call): void => {
    const wanted = Number(url.searchParams.get("length") ?? 100)
    const length = wanted > 0 && wanted <= pageLengthMax ? wanted : 100
    const from = Number(url.searchParams.get("from") ?? 0)
    const fault = state.plan.take(from / length)
    if (fault === "dies") return die()
    if (fault !== "401" && !tokens.has(request.headers.authorization ?? "")) {
      return Faults.json(response, 401, "{\"message\":\"Invalid access token\",\"success\":false}")
    }
    if (fault === "redirect-elsewhere") {
      return Faults.json(response, 302, "", { location: `http://localhost:${port}${request.url}` })
    }
    if (Faults.answerWith(fault, request, response, () => pageOf(state, from, length, fault))) return
    Faults.json(response, 200, pageOf(state, from, length, fault))
  }

  const takeProperties = ({ request, response, state }: FakeServer.Call): void => {
    const keep = (text: string): void => {
      const decoded = decodeUpserts(text)
      if (Option.isNone(decoded)) return Faults.json(response, 400, "{\"message\":\"no upserts\",\"success\":false}")
      const upserts = decoded.value.map(({ upsert }) => upsert)
      const fault = state.plan.take(writes.length, Faults.faultKinds, "write")
      if (writes.length < writesKept) writes.push(upserts.map(({ deviceId }) => deviceId))
      if (!tokens.has(request.headers.authorization ?? "")) {
        return Faults.json(response, 401, "{\"message\":\"Invalid access token\",\"success\":false}")
      }
      const statuses = upserts.map((_, index) => ({ status: fault === "refused-item" && index === 0 ? 404 : 202 }))
      if (Faults.answerWith(fault, request, response, () => JSON.stringify(statuses))) return
      for (const [index, { deviceId, key, value }] of upserts.entries()) {
        if (statuses[index]?.status === 202) properties.set(`${deviceId}.${key}`, value)
      }
      if (fault === "lost-answer") return void request.socket.resetAndDestroy()
      Faults.json(response, 207, JSON.stringify(statuses))
    }
    FakeServer.bodyOf(request).then(keep).catch(() => response.destroy())
  }

  const server = yield* FakeServer.serve(options, (call) => {
    const { request, response, url } = call
    if (url.pathname === "/api/v1/access_token/" && request.method === "POST") {
      request.resume()
      return giveToken(call, response)
    }
    if (url.pathname === "/api/v1/search/") return search(call)
    if (url.pathname === "/api/v1/devices/custom-properties/_bulk/") return takeProperties(call)
    if (url.pathname === "/_properties" && options.isControlled === true) {
      return Faults.json(response, 200, JSON.stringify(Object.fromEntries(properties)))
    }
    Faults.json(response, 404, "{}")
  })
  return {
    ...server,
    writes,
    properties,
    revokeTokens: () => {
      tokens = new Set()
    }
  } satisfies FakeArmis
})
