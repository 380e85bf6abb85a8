/**
 * Notes of packages when what was set up with them is first heard of.
 *
 * Whoever reports never waits: of more reports than `waitingMax` the newest are passed over, and so are all while the database is
 * away. Whoever was heard of reports again.
 */
import { Clock, Context, Effect, Layer, Option, Queue, Schema } from "effect"
import * as Activation from "../../domain/edge/Activation.ts"
import { componentTypes, EdgePackage } from "../../domain/edge/EdgePackage.ts"
import { defaultTenantId } from "../../domain/identity/Tenant.ts"
import { system } from "../../domain/records/Actor.ts"
import * as E from "../../domain/resource/expression/Expression.ts"
import { namesOf } from "../../domain/resource/Names.ts"
import * as Directory from "../identity/Directory.ts"
import { type ReadError, Records, type WriteError } from "../records/Records.ts"
import { EdgeOnboarding } from "./EdgeOnboarding.ts"

const waitingMax = 256

/** Those that were fetched last: of others it is not worth while to ask again and again. */
const awaitedMax = 1000

/** Another core may have handed one out. */
const knownMillis = 5_000

const requestId = "a report"

const Awaited = Schema.Struct({
  id: Schema.String,
  componentId: Schema.String,
  componentType: Schema.Literals(componentTypes),
  parentId: Schema.NullOr(Schema.String),
  pollerId: Schema.String
})
const decode = Schema.decodeUnknownOption(Awaited)

export class EdgeActivations extends Context.Service<EdgeActivations, {
  /** Of a report that was stored. */
  readonly offer: (heard: Activation.Heard) => Effect.Effect<void>
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/edge/EdgeActivations") {
  static readonly layer = Layer.effect(EdgeActivations, Effect.suspend(() => make))
  /** Where there are no packages. */
  static readonly none: EdgeActivations["Service"] = { offer: () => Effect.void, run: Effect.never }
}

const { definition } = EdgePackage
const deliveredAt = namesOf("record", EdgePackage.attributes).deliveredAt.node

/** Packages are of the tenant for which pollers report. */
const asker = Directory.asking(system(defaultTenantId), requestId)

const awaited = Records.use(({ list }) =>
  list({
    definition,
    action: "read",
    asker,
    where: EdgePackage.where(({ record }) => E.equals(record.state, "delivered")).node,
    order: [{ of: deliveredAt, isDescending: true }],
    limit: awaitedMax
  })
).pipe(Effect.map(({ records }) => records.flatMap(({ values }) => Option.toArray(decode(values)))))

const make = Effect.gen(function*() {
  const records = yield* Records
  const { certify } = yield* EdgeOnboarding
  const queue = yield* Queue.dropping<Activation.Heard>(waitingMax)
  let known: ReadonlyArray<Activation.Awaited> = []
  let knownUntilMillis = 0

  const activate = Effect.fn("EdgeActivations.activate")(function*({ id }: Activation.Awaited, address: string) {
    yield* records.write({
      definition,
      action: "activate",
      asker,
      key: id,
      input: { values: { address: address.slice(0, 64) }, form: "values" }
    })
    known = known.filter((one) => one.id !== id)
  })

  const untold = (error: ReadError | WriteError) =>
    Effect.logDebug(`That a component was heard of is not noted yet: ${error.message}`)

  const take = Effect.fnUntraced(
    function*(heard: Activation.Heard) {
      const now = yield* Clock.currentTimeMillis
      if (now >= knownUntilMillis) {
        known = yield* awaited
        knownUntilMillis = now + knownMillis
      }
      const found = known.filter((one) => Activation.isHeard(one, heard))
      const address = heard.report.sourceIp
      yield* Effect.forEach(found, (one) => activate(one, address).pipe(Effect.catch(untold)), { discard: true })
    },
    Effect.catch(untold),
    Effect.provideService(Records, records)
  )

  return EdgeActivations.of({
    // Where there is no authority nobody was given a package.
    offer: (heard) => Option.isNone(certify) ? Effect.void : Effect.asVoid(Queue.offer(queue, heard)),
    run: Effect.forever(Effect.flatMap(Queue.take(queue), take))
  })
})
