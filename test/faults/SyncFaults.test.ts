/**
 * Every fault of a source, at its first, a middle and its last page: what was good goes on being served and swept, the
 * source is marked with the right reason, and the other source is not disturbed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FakeArmis from "../../src/layers/sync/fakes/FakeArmis.ts"
import * as FakeNetBox from "../../src/layers/sync/fakes/FakeNetBox.ts"
import type { Fault, FaultKind } from "../../src/layers/sync/fakes/Faults.ts"
import * as SourceTable from "../../src/layers/sync/SourceTable.ts"
import * as rig from "../support/syncRig.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const devices = 1_000
const pages = { first: 0, middle: 5, last: 9 }

type Place = keyof typeof pages

interface Case {
  readonly source: "armis" | "netbox"
  readonly fault: FaultKind | "fewer"
  readonly place: Place
  /** Undefined: the run gets over it. */
  readonly reason: string | undefined
  readonly times?: number
  /** What the token endpoint answers meanwhile. */
  readonly token?: FaultKind
  /** What the source has in the second cycle. */
  readonly devices?: number
}

const everywhere = (
  source: Case["source"],
  fault: FaultKind,
  reason: (place: Place) => string | undefined,
  times?: number,
  more: Pick<Case, "token"> = {}
): ReadonlyArray<Case> =>
  (["first", "middle", "last"] as const).map((place) => ({
    source,
    fault,
    place,
    reason: reason(place),
    ...(times === undefined ? {} : { times }),
    ...more
  }))

const always = (reason: string | undefined) => () => reason

/** A page without a next is an end, and one device too few for the last page is only seen by counting. */
const both = (source: Case["source"]): ReadonlyArray<Case> => [
  ...everywhere(source, "500", always(undefined), 1),
  ...everywhere(source, "500", always("server_error")),
  ...everywhere(source, "429", always(undefined), 1),
  ...everywhere(source, "429", always("rate_limited")),
  ...everywhere(source, "403", always("forbidden")),
  ...everywhere(source, "truncated", always(undefined), 1),
  ...everywhere(source, "truncated", always("undecodable")),
  ...everywhere(source, "short-body", always(undefined), 1),
  ...everywhere(source, "html", always(undefined), 1),
  ...everywhere(source, "html", always("undecodable")),
  ...everywhere(source, "hang", always(undefined), 1),
  ...everywhere(source, "hang", always("timeout")),
  ...everywhere(source, "reset", always(undefined), 1),
  ...everywhere(source, "reset", always("connection")),
  // The source is gone in the middle of an answer, and stays away.
  ...everywhere(source, "dies", always("connection")),
  ...everywhere(source, "redirect", always(undefined), 1),
  ...everywhere(source, "empty-end", always("count_mismatch")),
  ...everywhere(source, "early-end", (place) => place === "last" ? undefined : "count_mismatch"),
  ...everywhere(source, "negative-next", always(source === "armis" ? "next_negative" : "next_negative")),
  ...everywhere(source, "empty-middle", (place) => place === "last" ? "count_mismatch" : "empty_page"),
  ...everywhere(source, "short-page", (place) => place === "last" ? "count_mismatch" : "short_page"),
  ...everywhere(source, "repeat", (place) => place === "first" ? undefined : "next_not_growing"),
  ...everywhere(source, "endless", always("empty_page")),
  // One bad record is one bad record: the run counts, and what was known of the device stays.
  ...everywhere(source, "bad-id", always(undefined)),
  ...everywhere(source, "bad-address", always(undefined)),
  ...everywhere(source, "no-address", always(undefined)),
  { source, fault: "fewer", place: "first", reason: "too_few_devices", devices: 400 },
  { source, fault: "fewer", place: "first", reason: "no_devices", devices: 0 }
]

const cases: ReadonlyArray<Case> = [
  ...both("armis"),
  ...both("netbox"),
  ...everywhere("armis", "401", always(undefined), 1),
  ...everywhere("armis", "401", always("unauthorized")),
  ...everywhere("armis", "401-other-text", always(undefined), 1),
  // The token is over while the run goes on, and there is no other: its own failure is the reason.
  ...everywhere("armis", "401", always("server_error"), undefined, { token: "token-500" }),
  ...everywhere("armis", "401", always("token"), 1, { token: "token-refused" }),
  ...everywhere("armis", "401", always("token"), 1, { token: "token-expired" }),
  ...everywhere("armis", "bad-date", always(undefined)),
  ...everywhere("armis", "success-false", always(undefined), 1),
  ...everywhere("armis", "success-false", always("refused")),
  ...everywhere("armis", "redirect-elsewhere", always("unauthorized")),
  ...everywhere("netbox", "401", always("unauthorized")),
  ...everywhere("netbox", "success-false", always("undecodable")),
  ...everywhere("netbox", "redirect-elsewhere", (place) => place === "last" ? "next_invalid" : "next_invalid")
]

const fakes = Effect.all({ armis: FakeArmis.serve({ devices }), netbox: FakeNetBox.serve({ devices }) })

const faultsOf = ({ fault, place, times, token }: Case): ReadonlyArray<Fault> => [
  ...(fault === "fewer"
    ? []
    : [{ kind: fault, page: pages[place], ...(times === undefined ? {} : { times }) }]),
  ...(token === undefined ? [] : [{ kind: token }])
]

/** One good cycle, then one with the fault. */
const observe = Effect.fnUntraced(function*(one: Case) {
  const { armis, netbox } = yield* fakes
  const folder = yield* temporaryFolder
  const config = rig.configOf(folder, {
    sources: { armis: rig.armis(armis.url), netbox: rig.netbox(netbox.url) }
  })
  return yield* Effect.gen(function*() {
    const sources = yield* SourceTable.make(config)
    yield* rig.cycle(sources)
    const good = { served: yield* rig.served, sweeps: yield* rig.sweeps }
    const faulty = one.source === "armis" ? armis : netbox
    faulty.set({
      faults: faultsOf(one),
      ...(one.devices === undefined ? {} : { devices: one.devices })
    })
    yield* rig.cycle(sources)
    const status = yield* rig.status(config)
    return { good, served: yield* rig.served, sweeps: yield* rig.sweeps, stale: status.stale }
  }).pipe(Effect.provide(rig.layer(config)))
}, Effect.scoped)

const ofSource = (elements: ReadonlyArray<rig.Element>, source: string) =>
  elements.filter((element) => element.source === source)

const nameOf = ({ devices: left, fault, place, source, times, token }: Case): string =>
  `${source}: ${fault} at the ${place} page${times === undefined ? ", always" : ", once"}` +
  `${token === undefined ? "" : `, ${token}`}${left === undefined ? "" : `, ${left} left`}`

/** Empty when all is as it must be. */
const problemsOf = (one: Case, seen: Effect.Success<ReturnType<typeof observe>>): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const other = one.source === "armis" ? "netbox" : "armis"
  const claim = (isTrue: boolean, text: string): void => {
    if (!isTrue) problems.push(`${nameOf(one)}: ${text}`)
  }
  const before = ofSource(seen.good.served, one.source)
  const after = ofSource(seen.served, one.source)
  claim(before.length === devices && after.length === devices, `${before.length} devices, then ${after.length}`)
  claim(ofSource(seen.served, other).length === devices, `the other source has ${ofSource(seen.served, other).length}`)
  claim(
    ofSource(seen.served, other)[0]?.timestamp !== ofSource(seen.good.served, other)[0]?.timestamp,
    "the other is not renewed"
  )
  claim(JSON.stringify(seen.sweeps) === JSON.stringify(seen.good.sweeps), "a sweep config has changed")
  const reasons = seen.stale.map(({ reason, source }) => `${source} ${reason}`).join()
  claim(reasons === (one.reason === undefined ? "" : `${one.source} ${one.reason}`), `told is "${reasons}"`)
  const isRenewed = before[0]?.timestamp !== after[0]?.timestamp
  claim(isRenewed === (one.reason === undefined), isRenewed ? "a faulty run is served" : "a good run is not served")
  return problems
}

describe("A fault of a source", () => {
  it.live(
    `leaves what was good in place, in ${cases.length} cases`,
    () =>
      Effect.gen(function*() {
        const problems = yield* Effect.forEach(
          cases,
          (one) => Effect.map(observe(one), (seen) => problemsOf(one, seen)),
          { concurrency: 12 }
        )

        assert.isAbove(cases.length, 150)
        assert.deepStrictEqual(problems.flat(), [])
      }),
    600_000
  )
})
