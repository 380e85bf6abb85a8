/** A NetBox that makes its devices up as they are asked for, and breaks as it is told to. */
import * as FakeServer from "./FakeServer.ts"
import * as Faults from "./Faults.ts"
import * as Inventory from "./Inventory.ts"

/** What it takes for `api_token`. */
export const token = "t0k3n"

const pageLengthMax = 1_000

/** Beside the devices, always the same: one of them without an address, one with host bits, one that is none. */
const virtualMachines = [
  { id: 1, name: "vm-one", role: null, site: { name: "Site 1" }, primary_ip4: { address: "10.200.0.1/24" } },
  { id: 2, name: "vm-two", role: { name: "db" }, site: null, primary_ip4: null }
]
const prefixes = [
  { id: 1, prefix: "198.51.100.9/28" },
  { id: 2, prefix: "2001:db8::/120" },
  { id: 3, prefix: "nonsense" }
]

const others = new Map<string, ReadonlyArray<unknown>>([
  ["/api/virtualization/virtual-machines/", virtualMachines],
  ["/api/ipam/prefixes/", prefixes]
])

const elementOf = (
  { network, revision }: FakeServer.FakeState,
  index: number,
  isFirst: boolean,
  fault: Faults.FaultKind | undefined
): unknown => {
  const device = Inventory.netboxDevice(index, network)
  if (revision > 0) device["name"] = `${String(device["name"])}-r${revision}`
  if (!isFirst) return device
  if (fault === "bad-id") return { ...device, id: "x" }
  if (fault === "bad-address") return { ...device, primary_ip4: { address: "not-an-ip" } }
  if (fault === "no-address") return { ...device, primary_ip4: null }
  return fault === "ipv6" ? { ...device, primary_ip4: null, primary_ip6: { address: "2001:db8::1/64" } } : device
}

const pageOf = (
  { port, state, url }: FakeServer.Call,
  offset: number,
  limit: number,
  fault: Faults.FaultKind | undefined
): string => {
  const { devices } = state
  const count = Faults.countOf(fault, Math.max(0, Math.min(limit, devices - offset))) ?? 0
  const link = (at: number, host = "127.0.0.1") => `http://${host}:${port}${url.pathname}?limit=${limit}&offset=${at}`
  const regular = offset + limit < devices ? link(offset + limit) : null
  const next: Partial<Record<Faults.FaultKind, string | null>> = {
    "empty-end": null,
    "early-end": null,
    "negative-next": link(-5),
    repeat: link(offset === 0 ? limit : offset),
    endless: link(offset + limit),
    "redirect-elsewhere": link(offset + limit, "localhost")
  }
  const chosen = fault === undefined ? undefined : next[fault]
  return JSON.stringify({
    count: devices,
    next: chosen === undefined ? regular : chosen,
    previous: null,
    results: Array.from({ length: count }, (_, at) => elementOf(state, offset + at, at === 0, fault))
  })
}

const answer = (call: FakeServer.Call): void => {
  const { die, request, response, state, url } = call
  if (url.pathname !== "/api/dcim/devices/") {
    const results = others.get(url.pathname) ?? []
    const body = { count: results.length, next: null, previous: null, results }
    return Faults.json(response, 200, JSON.stringify(body))
  }
  if (request.headers.authorization !== `Token ${token}`) return Faults.json(response, 403, "{\"detail\":\"no\"}")
  const limit = Math.min(Number(url.searchParams.get("limit") ?? 50), pageLengthMax)
  const offset = Number(url.searchParams.get("offset") ?? 0)
  const fault = state.plan.take(offset / limit)
  if (fault === "dies") return die()
  const body = () => pageOf(call, offset, limit, fault)
  if (Faults.answerWith(fault, request, response, body)) return
  Faults.json(response, 200, fault === "success-false" ? "{\"detail\":\"not now\"}" : body())
}

/** Runs until the scope closes. */
export const serve = (options: FakeServer.FakeOptions) => FakeServer.serve(options, answer)
