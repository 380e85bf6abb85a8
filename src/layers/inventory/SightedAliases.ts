/** What a slice of sightings makes of the names that devices have beside their own, on drafts of the records. */
import { DateTime } from "effect"
import { DeviceAliasState } from "../../domain/inventory/devices/DeviceAliasState.ts"
import { isLoopback } from "../../domain/inventory/devices/ReportedHost.ts"
import * as SeenAlias from "../../domain/inventory/devices/SeenAlias.ts"
import { type AliasType, isStrong, type SaidAlias, type Sighting } from "../../domain/inventory/devices/Sighting.ts"
import type { Stored, Values } from "../../domain/records/Record.ts"
import * as RecordBulk from "../records/RecordBulk.ts"

const alias = DeviceAliasState.definition

const keyOf = (device: string, type: string, value: string): string => JSON.stringify([device, type, value])

const textOf = (values: Values, field: string): string => String(values[field] ?? "")

/** A device before it was seen this time; one that is new is nothing. */
interface Turn {
  readonly uid: string
  readonly before: Values
  readonly sighting: Sighting
}

export class SightedAliases {
  readonly #context: RecordBulk.BulkContext
  readonly #refused: (reason: string) => void
  readonly #drafts = new Map<string, RecordBulk.Draft>()
  readonly #ofDevice = new Map<string, Set<string>>()
  readonly #ofValue = new Map<string, Set<string>>()

  constructor(
    context: RecordBulk.BulkContext,
    aliases: ReadonlyArray<Stored>,
    refused: (reason: string) => void
  ) {
    this.#context = context
    this.#refused = refused
    for (const stored of aliases) this.#keep(RecordBulk.draftOf(alias, stored))
  }

  get drafts(): Iterable<RecordBulk.Draft> {
    return this.#drafts.values()
  }

  /**
   * A device was seen. Where it was seen, and where it was not any more, what is older than what is known of it does not say.
   * One that is known by its address alone has no other.
   */
  seen(turn: Turn): void {
    const { before, sighting, uid } = turn
    const { lastSeenTime } = before
    const there = new Set<string>()
    for (const said of sighting.aliases ?? []) there.add(this.said(turn, said))
    if (DateTime.isDateTime(lastSeenTime) && DateTime.isLessThan(sighting.seenAt, lastSeenTime)) return
    for (const type of isStrong(sighting) ? SeenAlias.ownTypes : []) {
      const value = SeenAlias.valueOf(type, sighting[type])
      // Each machine has that one.
      if (value === "" || isLoopback(value)) continue
      const was = SeenAlias.valueOf(type, textOf(before, type))
      if (was !== "" && was !== value && !isLoopback(was)) this.#moved(turn, type, was, value)
      const key = keyOf(uid, type, value)
      there.add(key)
      this.#act(key, (known) => SeenAlias.seen(known, sighting.seenAt))
      this.#takeOver(turn, { type, value })
    }
    for (const key of this.#ofDevice.get(uid) ?? []) {
      if (!there.has(key)) this.#act(key, (known) => SeenAlias.unseen(known, sighting.seenAt))
    }
  }

  /** Somebody says that a device has this name; answers its key. */
  said(turn: Turn, { seenAt = turn.sighting.seenAt, type, value: text }: SaidAlias): string {
    const value = SeenAlias.valueOf(type, text)
    const key = keyOf(turn.uid, type, value)
    if (this.#drafts.has(key)) this.#act(key, (known) => SeenAlias.seen(known, seenAt))
    else this.#detect(turn, type, value, seenAt)
    if (SeenAlias.isExclusive(type)) this.#takeOver(turn, { type, value, seenAt })
    return key
  }

  /** A device turned out to be another: what it was known by are aliases of that one. */
  merged(from: Values, to: Values, sighting: Sighting): void {
    const [other, uid] = [textOf(from, "uid"), textOf(to, "uid")]
    for (const type of SeenAlias.ownTypes) {
      const value = SeenAlias.valueOf(type, textOf(from, type))
      const own = SeenAlias.valueOf(type, textOf(to, type))
      if (value !== "" && own !== "" && value !== own) this.#detect({ before: from, sighting, uid }, type, value, null)
    }
    for (const key of this.#ofDevice.get(other) ?? []) {
      const { aliasType, aliasValue, lastSeenAt, state } = this.#drafts.get(key)?.after ?? {}
      if (aliasType === "service_id" && SeenAlias.isHeld({ state: state ?? null })) {
        this.#detect({ before: from, sighting, uid }, aliasType, String(aliasValue), lastSeenAt ?? null)
      }
      const by = this.#drafts.get(keyOf(uid, String(aliasType), String(aliasValue)))?.key
      this.#act(key, (known) => SeenAlias.replaced(known, by))
    }
  }

  /** What it is known by, others were. */
  #takeOver({ before, sighting, uid }: Turn, { seenAt = sighting.seenAt, type, value }: SaidAlias): void {
    const own = this.#drafts.get(keyOf(uid, type, value))?.key
    const partition = textOf(before, "partitionId") || sighting.partition
    for (const key of this.#ofValue.get(value) ?? []) {
      const isOwn = this.#ofDevice.get(uid)?.has(key) === true
      if (isOwn || !this.#isOf(key, type, partition)) continue
      this.#act(key, (known) => SeenAlias.taken(known, seenAt, own))
    }
  }

  #moved(turn: Turn, type: AliasType, was: string, is: string): void {
    this.#detect(turn, type, was, turn.before["lastSeenTime"] ?? null)
    const previous = this.#drafts.get(keyOf(turn.uid, type, was))?.key
    this.#detect(turn, type, is, turn.sighting.seenAt, previous)
  }

  /** At this time, of which nothing is that of the sighting. */
  #detect(
    { before, sighting, uid }: Turn,
    aliasType: AliasType,
    aliasValue: string,
    at: Values[string] | null,
    previousAliasId?: string
  ): void {
    if (this.#drafts.has(keyOf(uid, aliasType, aliasValue))) return
    const seenAt = at ?? sighting.seenAt
    const made = RecordBulk.make(this.#context, alias, "detect", {
      deviceId: uid,
      partition: textOf(before, "partitionId") || sighting.partition,
      aliasType,
      aliasValue,
      firstSeenAt: seenAt,
      lastSeenAt: seenAt,
      ...(previousAliasId === undefined ? {} : { previousAliasId })
    })
    if (made._tag === "Success") this.#keep(made.success)
    else this.#refused(made.failure.message)
  }

  #isOf(key: string, type: string, partition: string): boolean {
    const { aliasType, partition: own } = this.#drafts.get(key)?.after ?? {}
    return aliasType === type && own === partition
  }

  #act(key: string, decide: (known: Values) => ReadonlyArray<SeenAlias.AliasAct>): void {
    const draft = this.#drafts.get(key)
    if (draft === undefined) return
    let changed = draft
    for (const { action, input, telling } of decide(draft.after)) {
      const next = RecordBulk.change(this.#context, changed, action, input, telling)
      if (next._tag === "Failure") return this.#refused(next.failure.message)
      changed = next.success
    }
    this.#drafts.set(key, changed)
  }

  #keep(draft: RecordBulk.Draft): void {
    const [device, type, value] = ["deviceId", "aliasType", "aliasValue"].map((field) => textOf(draft.after, field))
    const key = keyOf(device ?? "", type ?? "", value ?? "")
    this.#drafts.set(key, draft)
    this.#ofDevice.set(device ?? "", (this.#ofDevice.get(device ?? "") ?? new Set<string>()).add(key))
    this.#ofValue.set(value ?? "", (this.#ofValue.get(value ?? "") ?? new Set<string>()).add(key))
  }
}
