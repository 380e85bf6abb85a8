/**
 * What a sweep has found so far, block by block.
 *
 * Only what answered is kept, so a network of a million silent hosts costs no more than the times at which its blocks were
 * done. A block is complete or absent: of one that was interrupted nothing is kept, and it is swept again.
 */
import { Result, Schema } from "effect"
import * as SweepPlan from "./SweepPlan.ts"

/** Of one host of the block, by its place in it. */
const Opened = Schema.Tuple([Schema.Int, Schema.Int, Schema.Finite])
const Pinged = Schema.Tuple([Schema.Int, Schema.Finite, Schema.Finite])

const Block = Schema.Struct({
  block: Schema.Int,
  /** Unix milliseconds: when it was done. */
  at: Schema.Int,
  /** Host in the block, port, nanoseconds until it was open; by host, then port. */
  open: Schema.Array(Opened),
  /** Host in the block, nanoseconds of its round trip, percent of the requests lost; by host. */
  pings: Schema.Array(Pinged)
})
/** As it is kept on disk too. */
export interface BlockFindings extends Schema.Schema.Type<typeof Block> {}

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Block))

/** Undefined for a text that is none, such as a line that was not written to its end. */
export const parse = (line: string): BlockFindings | undefined => Result.getOrUndefined(decode(line))

export interface PortCount {
  readonly port: number
  readonly available: number
}

/** Of a host that answered in some way. */
export interface HostFindings {
  readonly open: ReadonlyArray<{ readonly port: number; readonly nanos: number }>
  readonly ping: { readonly nanos: number; readonly lossPercent: number } | undefined
}

const silent: HostFindings = { open: [], ping: undefined }

/** A host is available when it answers at least one echo request, or has an open port. */
export const isAvailable = ({ open, ping }: HostFindings): boolean => open.length > 0 || ping !== undefined

const nothing: ReadonlyArray<never> = []

export class SweepFindings {
  readonly plan: SweepPlan.SweepPlan
  private readonly blocks: Array<BlockFindings | undefined> = []
  private readonly byPort = new Map<number, number>()
  private doneBlocks = 0
  private doneHosts = 0
  private available = 0
  private newest = 0

  constructor(plan: SweepPlan.SweepPlan) {
    this.plan = plan
  }

  /** False for a block that is there already, or is none of this plan. */
  add(found: BlockFindings): boolean {
    const { at, block, open, pings } = found
    if (block < 0 || block >= this.plan.blocks || this.blocks[block] !== undefined) return false
    const [from, to] = SweepPlan.placesOf(this.plan, block)
    this.blocks[block] = {
      block,
      at,
      open: open.length === 0 ? nothing : open,
      pings: pings.length === 0 ? nothing : pings
    }
    this.doneBlocks += 1
    this.doneHosts += to - from
    const answered = new Set<number>()
    for (const [host] of open) answered.add(host)
    for (const [host] of pings) answered.add(host)
    this.available += answered.size
    for (const [, port] of open) this.byPort.set(port, (this.byPort.get(port) ?? 0) + 1)
    this.newest = Math.max(this.newest, at)
    return true
  }

  has(block: number): boolean {
    return this.blocks[block] !== undefined
  }

  get isComplete(): boolean {
    return this.doneBlocks === this.plan.blocks
  }

  /** Hosts of blocks that are done. */
  get hosts(): number {
    return this.doneHosts
  }

  get availableHosts(): number {
    return this.available
  }

  /** Unix milliseconds of the newest result; 0 without one. */
  get newestMillis(): number {
    return this.newest
  }

  get ports(): ReadonlyArray<PortCount> {
    return [...this.byPort].toSorted(([left], [right]) => left - right).map(([port, available]) => ({
      port,
      available
    }))
  }

  at(block: number): BlockFindings | undefined {
    return this.blocks[block]
  }

  /** What is known of each host of a block that is done, in order; empty for any other. */
  *hostsOf(block: number): Generator<SweepPlan.PlannedHost & { readonly found: HostFindings }> {
    const kept = this.blocks[block]
    if (kept === undefined) return
    const hosts = new Map<number, { open: Array<HostFindings["open"][number]>; ping: HostFindings["ping"] }>()
    const entry = (host: number) => {
      const known = hosts.get(host) ?? { open: [], ping: undefined }
      hosts.set(host, known)
      return known
    }
    for (const [host, port, nanos] of kept.open) entry(host).open.push({ port, nanos })
    for (const [host, nanos, lossPercent] of kept.pings) entry(host).ping = { nanos, lossPercent }
    let place = 0
    for (const host of SweepPlan.hostsBetween(this.plan, ...SweepPlan.placesOf(this.plan, block))) {
      yield { ...host, found: hosts.get(place) ?? silent }
      place += 1
    }
  }
}
