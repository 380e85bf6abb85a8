/**
 * The hosts of a sweep in a fixed order, each once, without a list of them: a /8 is one span.
 *
 * Networks that overlap are joined, and a host has the modes of all that name it. The address of an IPv4 network and its
 * broadcast address are left out, except of a /31, whose two addresses are hosts (the Go agent sweeps neither). Of IPv6
 * only single hosts are swept: nobody can enumerate a prefix, and the Go agent's memory ends when it tries. An entry that
 * cannot be used is named and left out, while the others are swept.
 *
 * Hosts come in blocks: the unit of work, and what an interrupted sweep has done or not.
 */
import { Option } from "effect"
import * as IpNetwork from "../../inventory/IpNetwork.ts"
import * as TargetPolicy from "../../monitoring/checks/TargetPolicy.ts"
import type { SweepSettings } from "./SweepSettings.ts"

/** Bits: what is tried of a host. */
export const icmp = 1
export const tcp = 2

interface Span {
  /** Place of its first host among all. */
  readonly start: number
  readonly hosts: number
  readonly modes: number
  /** The first address: 32 bits of IPv4, or the text of the one IPv6 address. */
  readonly first: number | string
}

export interface SweepPlan {
  readonly spans: ReadonlyArray<Span>
  readonly ports: ReadonlyArray<number>
  readonly hosts: number
  /** Connections and echo requests in all. */
  readonly probes: number
  /** Hosts in a block; the last may have fewer. */
  readonly blockHosts: number
  readonly blocks: number
  /** Networks and targets that are swept, as they were written. */
  readonly networks: ReadonlyArray<string>
  /** What is wrong with entries that are left out, a sentence each. */
  readonly rejected: ReadonlyArray<string>
}

export interface PlannedHost {
  readonly address: string
  readonly modes: number
}

const modeBits: Readonly<Record<string, number>> = { icmp, tcp, tcp_connect: tcp }

/** Probes in a block, about; with one port a block has at most 256 hosts. */
const blockProbes = 4096
const blockHostsMax = 256
/** A small sweep has so many blocks that its progress can be seen. */
const blocksWanted = 16
const blockHostsMin = 16

type Range = readonly [first: number, end: number]

const rangeOf = ({ prefixLength, words: [first = 0] }: IpNetwork.IpNetwork): Range => [
  first,
  first + 2 ** (32 - prefixLength)
]

/** Without the addresses of the network itself and of its broadcast. */
const hostsOf = (network: IpNetwork.IpNetwork): Range => {
  const [first, end] = rangeOf(network)
  return network.prefixLength >= 31 ? [first, end] : [first + 1, end - 1]
}

/** What begins to hold at an address, or ceases to. */
interface Step {
  readonly at: number
  readonly by: number
  readonly what: "icmp" | "tcp" | "denied" | "allowed"
}

const steps = ([first, end]: Range, what: Step["what"]): ReadonlyArray<Step> => [
  { at: first, by: 1, what },
  { at: end, by: -1, what }
]

const ruleRanges = (rules: ReadonlyArray<TargetPolicy.Rule>): ReadonlyArray<Range> =>
  rules.flatMap((rule) => {
    const network = rule.kind === "network" ? IpNetwork.parseNetwork(`${rule.bytes.join(".")}/${rule.bits}`) : undefined
    return network !== undefined && Option.isSome(network) ? [rangeOf(network.value)] : []
  })

/** Spans that do not overlap, in the order of their addresses. */
const spansOf = (all: ReadonlyArray<Step>, allows: boolean): Array<Omit<Span, "start">> => {
  const counts = { icmp: 0, tcp: 0, denied: 0, allowed: 0 }
  const spans: Array<{ hosts: number; modes: number; first: number }> = []
  let from = 0
  for (const { at, by, what } of all.toSorted((left, right) => left.at - right.at)) {
    const modes = (counts.icmp > 0 ? icmp : 0) | (counts.tcp > 0 ? tcp : 0)
    const isSwept = modes !== 0 && counts.denied === 0 && (!allows || counts.allowed > 0)
    if (isSwept && at > from) {
      const last = spans.at(-1)
      if (last?.modes === modes && last.first + last.hosts === from) last.hosts += at - from
      else spans.push({ first: from, hosts: at - from, modes })
    }
    counts[what] += by
    from = at
  }
  return spans
}

interface Entry {
  readonly text: string
  readonly modes: ReadonlyArray<string>
}

/** What an entry asks for, or why it is left out. */
const read = ({ modes, text }: Entry): { readonly network: IpNetwork.IpNetwork; readonly modes: number } | string => {
  const unknown = modes.find((mode) => modeBits[mode] === undefined)
  if (unknown !== undefined) return `${text}: there is no sweep mode ${JSON.stringify(unknown)}: expected icmp or tcp`
  const found = IpNetwork.parseNetwork(text.trim())
  if (Option.isNone(found)) return `${text} is no network: expected one such as 192.0.2.0/24, or 192.0.2.1/32`
  if (found.value.version === 6 && found.value.prefixLength < 128) {
    return `${text} is an IPv6 prefix, whose hosts cannot be enumerated: name them one by one, as /128`
  }
  return { network: found.value, modes: modes.reduce((bits, mode) => bits | (modeBits[mode] ?? 0), 0) }
}

/** A network, or a single address. */
export const forbidden = (text: string): Option.Option<IpNetwork.IpNetwork> =>
  Option.orElse(
    IpNetwork.parseNetwork(text),
    () => Option.map(IpNetwork.parseAddress(text), (one) => IpNetwork.masked(one, IpNetwork.bitsIn(one.version)))
  )

const portMax = 65_535
const isPort = (port: number): boolean => port >= 1 && port <= portMax

/** What may be swept of what the settings name. */
export const make = (settings: SweepSettings, policy: TargetPolicy.TargetPolicy): SweepPlan => {
  const ports = [...new Set(settings.ports.filter(isPort))]
  const rejected = settings.ports.flatMap((port) => isPort(port) ? [] : [`${port} is no port`])
  let isKnown = true
  const blacklist = settings.blacklist.flatMap((text) => {
    const network = forbidden(text.trim())
    if (Option.isSome(network)) return [network.value]
    // What was meant is not known, so nothing can be said not to be it.
    isKnown = false
    rejected.push(`everything, because ${text} in network_blacklist is no network`)
    return []
  })
  const entries: ReadonlyArray<Entry> = !isKnown ? [] : [
    ...settings.networks.map((text) => ({ text, modes: settings.modes })),
    ...settings.deviceTargets.map(({ modes, network }) => ({
      text: network,
      modes: modes.length === 0 ? settings.modes : modes
    }))
  ]
  const all: Array<Step> = []
  const hosts6 = new Map<string, number>()
  const networks: Array<string> = []
  for (const entry of entries) {
    const asked = read(entry)
    if (typeof asked === "string") {
      rejected.push(asked)
      continue
    }
    const modes = asked.modes & (ports.length === 0 ? icmp : icmp | tcp)
    if (modes === 0) continue
    networks.push(entry.text)
    if (asked.network.version === 6) {
      const address = IpNetwork.formatAddress(asked.network)
      hosts6.set(address, (hosts6.get(address) ?? 0) | modes)
      continue
    }
    const range = hostsOf(asked.network)
    if ((modes & icmp) !== 0) all.push(...steps(range, "icmp"))
    if ((modes & tcp) !== 0) all.push(...steps(range, "tcp"))
  }
  // No address of a host: a connection to it reaches the agent's own.
  all.push(...steps([0, 1], "denied"))
  const denied = [
    ...blacklist.flatMap((network) => network.version === 4 ? [rangeOf(network)] : []),
    ...ruleRanges(policy.deny)
  ]
  all.push(...denied.flatMap((range) => steps(range, "denied")))
  if (Option.isSome(policy.allow)) {
    all.push(...ruleRanges(policy.allow.value).flatMap((range) => steps(range, "allowed")))
  }
  const spans = spansOf(all, Option.isSome(policy.allow))
  for (const [address, modes] of hosts6) {
    const isListed = blacklist.some((network) => contains(network, address))
    if (isListed || TargetPolicy.judge(policy, address, address)._tag === "Failure") continue
    spans.push({ first: address, hosts: 1, modes })
  }
  return { ...placed(spans, ports), networks, rejected }
}

const contains = (network: IpNetwork.IpNetwork, address: string): boolean =>
  Option.exists(IpNetwork.parseAddress(address), (one) =>
    one.version === network.version &&
    IpNetwork.formatNetwork(IpNetwork.masked(one, network.prefixLength)) === IpNetwork.formatNetwork(network))

const placed = (spans: ReadonlyArray<Omit<Span, "start">>, ports: ReadonlyArray<number>) => {
  const all: Array<Span> = []
  let hosts = 0
  let probes = 0
  for (const span of spans) {
    all.push({ ...span, start: hosts })
    hosts += span.hosts
    probes += span.hosts * (((span.modes & icmp) === 0 ? 0 : 1) + ((span.modes & tcp) === 0 ? 0 : ports.length))
  }
  const perBlock = Math.min(blockHostsMax, Math.floor(blockProbes / Math.max(1, ports.length)))
  const forProgress = Math.max(blockHostsMin, Math.ceil(hosts / blocksWanted))
  const blockHosts = Math.max(1, Math.min(perBlock, forProgress))
  return { spans: all, ports, hosts, probes, blockHosts, blocks: Math.ceil(hosts / blockHosts) }
}

const formatV4 = (word: number): string =>
  `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`

/** The span that holds the host at this place: the last that does not start after it. */
const spanAt = ({ spans }: SweepPlan, place: number): number => {
  let low = 0
  let high = spans.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if ((spans[middle]?.start ?? 0) <= place) low = middle
    else high = middle - 1
  }
  return low
}

/** The hosts from a place up to another, without it. */
export function* hostsBetween(plan: SweepPlan, from: number, to: number): Generator<PlannedHost> {
  const end = Math.min(to, plan.hosts)
  let place = from
  for (let at = spanAt(plan, from); place < end; at++) {
    const span = plan.spans[at]
    if (span === undefined) return
    const { first, hosts, modes, start } = span
    for (; place < Math.min(end, start + hosts); place++) {
      yield { address: typeof first === "string" ? first : formatV4(first + place - start), modes }
    }
  }
}

/** The places of a block: from, and up to without it. */
export const placesOf = (plan: SweepPlan, block: number): readonly [number, number] => [
  block * plan.blockHosts,
  Math.min(plan.hosts, (block + 1) * plan.blockHosts)
]

export const blockOf = (plan: SweepPlan, block: number): ReadonlyArray<PlannedHost> => [
  ...hostsBetween(plan, ...placesOf(plan, block))
]

/** The same text for plans that sweep the same, in the same order and in the same blocks. */
export const identityOf = ({ blockHosts, ports, spans }: SweepPlan): string =>
  JSON.stringify([blockHosts, ports, spans.map(({ first, hosts, modes }) => [first, hosts, modes])])
