/** What a slice of sightings makes of the inventory, on drafts of its records. */
import { DateTime, Result } from "effect"
import { Device } from "../../domain/inventory/devices/Device.ts"
import { DeviceIdentifier } from "../../domain/inventory/devices/DeviceIdentifier.ts"
import * as Identity from "../../domain/inventory/devices/IdentityResolution.ts"
import { Interface } from "../../domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../domain/inventory/devices/MergeAudit.ts"
import * as SeenDevice from "../../domain/inventory/devices/SeenDevice.ts"
import * as Seen from "../../domain/inventory/devices/SeenInterface.ts"
import {
  isService,
  type SeenInterface,
  type Sighting,
  type StrongIdentifier
} from "../../domain/inventory/devices/Sighting.ts"
import type { Stored } from "../../domain/records/Record.ts"
import * as RecordBulk from "../records/RecordBulk.ts"
import { SightedAliases } from "./SightedAliases.ts"

const device = Device.definition
const identifier = DeviceIdentifier.definition
const merge = MergeAudit.definition
const interfaceOf = Interface.definition

const textOf = ({ values }: Pick<Stored, "values">, field: string): string => String(values[field] ?? "")

const strongOf = (stored: Stored): StrongIdentifier | undefined => {
  const value = textOf(stored, "identifierValue")
  switch (stored.values["identifierType"]) {
    case "armis_device_id":
    case "integration_id":
    case "netbox_device_id":
    case "mac":
      return { type: stored.values["identifierType"], value }
    default:
      return undefined
  }
}

const keyOf = (stored: Stored): string | undefined => {
  const strong = strongOf(stored)
  return strong === undefined ? undefined : Identity.identifierKey(textOf(stored, "partition"), strong)
}

const seenAt = ({ values }: Pick<Stored, "values">): number => {
  const at = values["lastSeenTime"]
  return DateTime.isDateTime(at) ? DateTime.toEpochMillis(at) : 0
}

/** The records that sightings may be about, as they are in the database. */
export interface Found {
  readonly devices: ReadonlyArray<Stored>
  readonly identifiers: ReadonlyArray<Stored>
  /** What became of those devices that are no more. */
  readonly merges: ReadonlyArray<Stored>
  readonly aliases: ReadonlyArray<Stored>
  readonly interfaces: ReadonlyArray<Stored>
}

export const isGone = (stored: Stored): boolean => stored.values["lifecycle"] === "decommissioned"

const partitionOf = (stored: Pick<Stored, "values">): string => textOf(stored, "partitionId") || "default"

/** The device that turned out to be another, and that one. */
export const mergeOf = (stored: Stored): readonly [from: string, to: string] => [
  textOf(stored, "fromDeviceId"),
  textOf(stored, "toDeviceId")
]

const interfaceKey = (uid: string, index: unknown): string => JSON.stringify([uid, index])

export const knownOf = ({ devices, identifiers, merges }: Omit<Found, "aliases" | "interfaces">): Identity.Known => {
  const byIdentifier = new Map<string, string>()
  const identifiersOf = new Map<string, Set<string>>()
  for (const stored of identifiers) {
    const key = keyOf(stored)
    if (key === undefined) continue
    const uid = textOf(stored, "deviceId")
    byIdentifier.set(key, uid)
    identifiersOf.set(uid, (identifiersOf.get(uid) ?? new Set<string>()).add(key))
  }
  const present = devices.filter((stored) => !isGone(stored) && textOf(stored, "ip") !== "")
  const byAddress = new Map<string, ReadonlyArray<string>>()
  for (const stored of present.toSorted((a, b) => seenAt(a) - seenAt(b))) {
    const key = Identity.addressKey(partitionOf(stored), textOf(stored, "ip"))
    byAddress.set(key, [...byAddress.get(key) ?? [], textOf(stored, "uid")])
  }
  const gone = new Set(devices.filter(isGone).map((stored) => textOf(stored, "uid")))
  const mergedInto = new Map(merges.map(mergeOf).filter(([from]) => gone.has(from)))
  const partitions = new Map(devices.map((stored) => [textOf(stored, "uid"), partitionOf(stored)]))
  return { byIdentifier, byAddress, identifiersOf, mergedInto, partitionOf: partitions }
}

/** Drafts of what changes, and why some sightings change nothing. */
export class SightedBatch {
  readonly #context: RecordBulk.BulkContext
  readonly #devices = new Map<string, RecordBulk.Draft>()
  readonly #identifiers = new Map<string, RecordBulk.Draft>()
  readonly #merges: Array<RecordBulk.Draft> = []
  readonly #interfaces = new Map<string, RecordBulk.Draft>()
  readonly #aliases: SightedAliases
  readonly refusals: Array<string> = []

  constructor(context: RecordBulk.BulkContext, { aliases, devices, identifiers, interfaces }: Omit<Found, "merges">) {
    this.#context = context
    this.#aliases = new SightedAliases(context, aliases, (reason) => this.refusals.push(reason))
    for (const stored of interfaces) {
      const key = interfaceKey(textOf(stored, "deviceId"), stored.values["ifIndex"])
      this.#interfaces.set(key, RecordBulk.draftOf(interfaceOf, stored))
    }
    for (const stored of devices) this.#devices.set(textOf(stored, "uid"), RecordBulk.draftOf(device, stored))
    for (const stored of identifiers) {
      const key = keyOf(stored)
      if (key !== undefined) this.#identifiers.set(key, RecordBulk.draftOf(identifier, stored))
    }
  }

  get devices(): ReadonlyArray<RecordBulk.Draft> {
    return this.#drafts(this.#devices.values())
  }

  get identifiers(): ReadonlyArray<RecordBulk.Draft> {
    return this.#drafts(this.#identifiers.values())
  }

  get merges(): ReadonlyArray<RecordBulk.Draft> {
    return this.#merges
  }

  get interfaces(): ReadonlyArray<RecordBulk.Draft> {
    return this.#drafts(this.#interfaces.values())
  }

  get aliases(): ReadonlyArray<RecordBulk.Draft> {
    return this.#drafts(this.#aliases.drafts)
  }

  /** In the order of their keys, so that writers of the same wait for each other instead of deadlocking. */
  #drafts(all: Iterable<RecordBulk.Draft>): ReadonlyArray<RecordBulk.Draft> {
    return [...all].filter(RecordBulk.isChanged).toSorted((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  }

  #take<A>(result: Result.Result<A, { readonly message: string }>, keep: (value: A) => void): boolean {
    if (Result.isSuccess(result)) keep(result.success)
    else this.refusals.push(result.failure.message)
    return Result.isSuccess(result)
  }

  #change(
    draft: RecordBulk.Draft,
    action: string,
    input?: Readonly<Record<string, unknown>>,
    telling?: RecordBulk.Telling
  ): RecordBulk.Draft {
    let changed = draft
    this.#take(RecordBulk.change(this.#context, draft, action, input, telling), (next) => {
      changed = next
    })
    this.#devices.set(draft.key, changed)
    return changed
  }

  add(sighting: Sighting, { merged, registered, uid }: Identity.Resolution): void {
    if (isService(uid)) this.#hosted(sighting, uid)
    const known = this.#devices.get(uid)
    if (known === undefined && !sighting.isProof) return
    if (known === undefined) {
      const input = SeenDevice.discovered(uid, sighting)
      const isMade = this.#take(
        RecordBulk.make(this.#context, device, "discover", input),
        (draft) => this.#devices.set(uid, draft)
      )
      if (!isMade) return
    } else {
      const input = SeenDevice.refreshed(known.after, sighting)
      if (Object.keys(input).length > 0) {
        this.#change(known, "refresh", input, SeenDevice.isNews(input) ? "told" : "untold")
      }
    }
    const draft = this.#devices.get(uid)
    if (draft !== undefined && sighting.identifiers.length > 0 && draft.after["lifecycle"] === "discovered") {
      this.#change(draft, "identify")
    }
    for (const one of registered) this.#register(sighting, one, uid)
    this.#aliases.seen({ uid, before: known?.after ?? {}, sighting })
    for (const other of merged) this.#merge(other, uid, sighting)
    for (const one of sighting.interfaces ?? []) this.#interface(sighting, one, uid)
  }

  /** The machine at the address of a service of ours is known by that as well: of several the one that was seen last. */
  #hosted(sighting: Sighting, service: string): void {
    if (sighting.ip === "") return
    const machines = [...this.#devices.values()].filter(({ after }) =>
      after["ip"] === sighting.ip && after["lifecycle"] !== "decommissioned" && !isService(String(after["uid"])) &&
      partitionOf({ values: after }) === sighting.partition
    )
    const last = machines.toSorted((a, b) => seenAt({ values: b.after }) - seenAt({ values: a.after }))[0]
    if (last === undefined) return
    this.#aliases.said({ uid: last.key, before: last.after, sighting }, { type: "service_id", value: service })
  }

  #interface(sighting: Sighting, seen: SeenInterface, uid: string): void {
    const key = interfaceKey(uid, seen.ifIndex)
    const known = this.#interfaces.get(key)
    const keep = (draft: RecordBulk.Draft) => this.#interfaces.set(key, draft)
    if (known === undefined) {
      this.#take(RecordBulk.make(this.#context, interfaceOf, "record", Seen.recorded(uid, seen, sighting)), keep)
      return
    }
    const input = Seen.refreshed(known.after, seen, sighting)
    if (Object.keys(input).length === 0) return
    const telling = Seen.isNews(input) ? "told" : "untold"
    this.#take(RecordBulk.change(this.#context, known, "refresh", input, telling), keep)
  }

  #register({ partition, source }: Sighting, { type, value }: StrongIdentifier, uid: string): void {
    const key = Identity.identifierKey(partition, { type, value })
    const held = this.#identifiers.get(key)
    if (held !== undefined) return this.#move(key, held, uid)
    const input = { deviceId: uid, identifierType: type, identifierValue: value, partition, source }
    this.#take(
      RecordBulk.make(this.#context, identifier, "register", input),
      (draft) => this.#identifiers.set(key, draft)
    )
  }

  #move(key: string, draft: RecordBulk.Draft, uid: string): void {
    if (draft.after["deviceId"] === uid) return
    this.#take(
      RecordBulk.change(this.#context, draft, "move", { deviceId: uid }),
      (moved) => this.#identifiers.set(key, moved)
    )
  }

  #merge(from: string, to: string, sighting: Sighting): void {
    const { identifiers, source } = sighting
    const draft = this.#devices.get(from)
    if (draft === undefined || draft.after["lifecycle"] === "decommissioned") return
    for (const [key, held] of this.#identifiers) if (held.after["deviceId"] === from) this.#move(key, held, to)
    this.#change(draft, "decommission")
    const reason = `the same ${identifiers.map(({ type }) => type).join(", ")}`
    const input = { fromDeviceId: from, toDeviceId: to, reason, confidenceScore: 1, source }
    this.#take(RecordBulk.make(this.#context, merge, "record", input), (made) => this.#merges.push(made))
    const own = this.#devices.get(to)
    if (own !== undefined) this.#aliases.merged(draft.after, own.after, sighting)
  }
}
