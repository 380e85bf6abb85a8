/** A source that is written down as a value: what it says, page by page. */
import { Stream } from "effect"
import type { SourceContext } from "../../src/domain/inventory/SourceContext.ts"
import * as ArmisSource from "../../src/layers/armis/ArmisSource.ts"
import type { DeviceSource, Sighting, SourcePage } from "../../src/services/sync/DeviceSource.ts"
import type * as SourceRun from "../../src/services/sync/SourceRun.ts"

export const name = "scripted"

export const context: Omit<SourceContext, "timestamp"> = {
  name,
  kind: ArmisSource.kind,
  endpoint: "https://armis.example.net",
  agentId: "agent-a",
  pollerId: "poller-a",
  partition: "default",
  queries: [{ label: "all", sweepModes: ["icmp"] }],
  question: "in:devices",
  isIdentified: true
}

export const keyOf = (id: number): string => String(id).padStart(4, "0")

export const sighting = (id: number, revision = 0, mac = ""): Sighting => ({
  key: keyOf(id),
  observation: {
    id: String(id),
    ips: [`10.0.0.${id}`],
    hostname: `host-${id}-R${revision}`,
    mac,
    tags: [],
    seenAt: revision,
    metadata: {},
    networks: [],
    isDevice: true
  }
})

export const pagesOf = (total: number, parts: ReadonlyArray<ReadonlyArray<Sighting>>): ReadonlyArray<SourcePage> =>
  parts.map((sightings, index) => ({ query: 0, sightings, rejections: [], total, resume: String(index + 1) }))

export const sourceOf = (
  pages: DeviceSource["pages"],
  threshold = 0,
  change: Partial<typeof context> = {}
): SourceRun.RunnableSource => ({
  source: { kind: context.kind, queries: context.queries, pages },
  context: { ...context, ...change },
  guard: { threshold, confirmFirst: false }
})

export const complete = (ids: ReadonlyArray<number>, revision = 0): SourceRun.RunnableSource =>
  sourceOf(() => Stream.fromIterable(pagesOf(ids.length, [ids.map((id) => sighting(id, revision))])))
