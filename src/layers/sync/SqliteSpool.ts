/**
 * The spool in a folder:
 *
 *   catalog.sqlite        what stands for what (`Catalog`)
 *   generation-<n>.sqlite one run of one source (`GenerationFile`)
 *   served-<n>.bin        the served set (`ServedFile`)
 *   sweep-<hash>.json     what agents are told
 *
 * The order of steps makes it safe to be killed anywhere: a file is complete and on the disk before the catalog names
 * it, and files that the catalog does not name are removed at the next start.
 */
import { Clock, Context, Effect, FileSystem, Layer, Option, Path } from "effect"
import { type Generation, type Plan, type PlanItem, PlanRefused, Spool, SpoolError } from "../../services/sync/Spool.ts"
import * as ProcessTable from "../process/ProcessTable.ts"
import { systemText } from "../process/SystemText.ts"
import * as Catalog from "./Catalog.ts"
import * as GenerationFile from "./GenerationFile.ts"

export interface SpoolOptions {
  readonly folder: string
  /** Whether devices can be found by their identifiers; costs an index. */
  readonly isIdentified: boolean
}

/** The folder and its catalog, for what is stored beside the generations. */
export class SpoolFolder extends Context.Service<SpoolFolder, {
  readonly folder: string
  readonly file: (name: string) => string
  readonly catalog: Catalog.Catalog
  /** Fails when the folder is no longer the one that was opened: what is written now would be nobody's. */
  readonly intact: Effect.Effect<void, SpoolError>
}>()("serviceradar-effect/layers/sync/SpoolFolder") {
  static readonly layer = (folder: string) =>
    Layer.effect(
      SpoolFolder,
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        yield* files.makeDirectory(folder, { recursive: true, mode: 0o700 }).pipe(
          Effect.mapError((error) =>
            new SpoolError({ path: folder, step: "making the folder", detail: systemText(error) })
          )
        )
        yield* files.access(folder, { writable: true }).pipe(
          Effect.mapError((error) =>
            new SpoolError({ path: folder, step: "checking that it can be written", detail: systemText(error) })
          )
        )
        const catalog = yield* Catalog.open(path.join(folder, "catalog.sqlite"))
        const identity = files.stat(catalog.path).pipe(
          Effect.map(({ dev, ino }) => `${dev} ${Option.getOrElse(ino, () => 0n)}`),
          Effect.mapError((error) =>
            new SpoolError({ path: catalog.path, step: "looking whether it is there", detail: systemText(error) })
          )
        )
        const opened = yield* identity
        const intact = Effect.flatMap(identity, (now) =>
          now === opened
            ? Effect.void
            : Effect.fail(
              new SpoolError({
                path: catalog.path,
                step: "looking whether it is there",
                detail: "it is another file now"
              })
            ))
        return { folder, file: (name) => path.join(folder, name), catalog, intact }
      })
    )
}

/** Whether another process works on it; what this one does it knows itself, also when an earlier one had its number. */
const isAnothers = (pid: number): boolean => pid !== 0 && pid !== process.pid && ProcessTable.isAlive(pid)

/** A source must not seem to have nothing because what it has is not found. */
const generationOf = (tables: Catalog.Tables, id: number): Generation => {
  const generation = tables.generation(id)
  if (generation === undefined) throw new Error(`generation ${id} is not there`)
  return generation
}

/** What the plan is made of: a plan with the same effects from the same state has the same id. */
const planIdOf = (items: ReadonlyArray<PlanItem>): string =>
  items.map(({ base, generation }) => `${base}-${generation}`).join("_")

const make = Effect.fnUntraced(function*({ isIdentified }: Omit<SpoolOptions, "folder">) {
  const { catalog, file, folder } = yield* SpoolFolder
  const files = yield* FileSystem.FileSystem
  /** Generations that somebody here works on: until their scope closes nobody else decides about them. */
  const writing = new Set<number>()
  const sealed = new Set<number>()
  const generationFile = (id: number) => file(`generation-${id}.sqlite`)
  const remove = (path: string) => Effect.ignore(files.remove(path, { force: true }))

  const read = (id: number) => GenerationFile.read(generationFile(id))

  const forget = (id: number) =>
    Effect.andThen(
      remove(generationFile(id)),
      catalog.run("forgetting a generation", (tables) => tables.removeGeneration(id))
    )

  const begin = Effect.fn("Spool.begin")(function*(context: Generation["context"]) {
    const id = yield* Effect.acquireRelease(
      catalog.run("beginning a generation", (tables) => {
        const id = tables.addGeneration(context, process.pid)
        // In the same step: nobody may tidy it away in between.
        writing.add(id)
        return id
      }),
      (id) =>
        Effect.ignore(Effect.suspend(() => {
          writing.delete(id)
          return sealed.delete(id)
            ? catalog.run("releasing a generation", (tables) => tables.releaseGeneration(id))
            : forget(id)
        }))
    )
    yield* remove(generationFile(id))
    const { seal, ...draft } = yield* GenerationFile.create(generationFile(id), context, isIdentified)
    return {
      ...draft,
      id,
      seal: (base: Option.Option<Generation>) =>
        Effect.scoped(Effect.gen(function*() {
          const reader = Option.isSome(base) ? Option.some(yield* read(base.value.id)) : Option.none()
          const counts = yield* seal(reader)
          const generation = { id, context, ...counts, sealedAt: yield* Clock.currentTimeMillis }
          yield* catalog.run("sealing a generation", (tables) => tables.sealGeneration(generation))
          sealed.add(id)
          return generation
        }))
    }
  })

  /** One look at everything: what begins after it is neither known nor removed. */
  const unneeded = catalog.read("tidying", (tables) => {
    const current = tables.sources().flatMap(({ current }) => Option.toArray(current))
    const open = tables.plans().filter(({ state }) => state === "open")
    const planned = open.flatMap(({ items }) => items.map(({ generation }) => generation))
    const needed = new Set([...current, ...planned, ...writing, ...tables.servedGenerations()])
    const known = tables.generations()
    return {
      rows: known.filter(({ id, pid }) => !needed.has(id) && !isAnothers(pid)).map(({ id }) => id),
      newest: Math.max(0, ...known.map(({ id }) => id)),
      known: new Set(known.map(({ id }) => id))
    }
  })

  const tidy = Effect.gen(function*() {
    const { known, newest, rows } = yield* unneeded
    yield* Effect.forEach(rows, forget, { discard: true })
    const names = yield* Effect.orElseSucceed(files.readDirectory(folder), (): Array<string> => [])
    const strays = names.filter((name) => {
      const id = Number(/^generation-(\d+)\.sqlite$/.exec(name)?.[1])
      return id <= newest && !known.has(id)
    })
    yield* Effect.forEach(strays, (name) => remove(file(name)), { discard: true })
  })

  const apply = Effect.fn("Spool.apply")(function*(planId: string) {
    const plan = yield* catalog.run("applying a plan", (tables): Plan | string => {
      const plan = tables.plan(planId)
      if (plan === undefined) return "there is no such plan; a newer one may have taken its place"
      if (plan.state === "applied") return plan
      const items = plan.items.filter(({ generation }) => generation !== 0)
      for (const { base, generation, source } of items) {
        const current = Option.getOrElse(tables.source(source).current, () => 0)
        if (current !== base) return `${source} has changed since the plan was made`
        if (tables.generation(generation) === undefined) return `what ${source} brought is no longer kept`
      }
      if (items.length === 0) return "it has nothing to apply"
      for (const { generation, source } of items) tables.setCurrent(source, generation)
      const applied = { ...plan, state: "applied" } as const
      tables.putPlan(applied)
      return applied
    })
    if (typeof plan === "string") return yield* new PlanRefused({ planId, reason: plan })
    return plan
  })

  return Spool.of({
    begin,
    read,
    apply,
    tidy: Effect.withSpan(tidy, "Spool.tidy"),
    generation: (id) => catalog.read("reading a generation", (tables) => Option.fromUndefinedOr(tables.generation(id))),
    state: (name) =>
      catalog.read("reading a source", (tables) => {
        const { current, ...row } = tables.source(name)
        return { ...row, current: Option.map(current, (id) => generationOf(tables, id)) }
      }),
    commit: (generation) =>
      catalog.run("committing a generation", (tables) => {
        const { name } = generation.context
        const row = tables.source(name)
        generationOf(tables, generation.id)
        if (Option.isSome(row.current) && row.current.value >= generation.id) return false
        if (Option.isSome(row.planId)) tables.removePlan(row.planId.value)
        tables.setCurrent(name, generation.id)
        return true
      }),
    fail: (name, reason, detail) =>
      Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => catalog.run("noting a failure", (tables) => tables.setTrouble(name, reason, detail, now))
      ),
    hold: (items) =>
      Effect.flatMap(Clock.currentTimeMillis, (createdAt) =>
        catalog.run("keeping a plan", (tables) => {
          const plan: Plan = { id: planIdOf(items), createdAt, state: "open", items }
          for (const { source } of items) {
            const { planId } = tables.source(source)
            if (Option.isSome(planId) && planId.value !== plan.id) tables.removePlan(planId.value)
            tables.setPlan(source, plan.id)
          }
          tables.putPlan(plan)
          return plan
        })),
    plans: catalog.read("reading plans", (tables) => tables.plans())
  })
})

export const layer = ({ folder, isIdentified }: SpoolOptions) =>
  Layer.effect(Spool, make({ isIdentified })).pipe(Layer.provideMerge(SpoolFolder.layer(folder)))
