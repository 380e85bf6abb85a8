/** Sources that can be told what core found out: the types that have a way to, and those whose file names a property. */
import { Effect } from "effect"
import type { SourceConfig, SyncConfig } from "../../../domain/sync/SyncConfig.ts"
import type { WritableSource } from "../../../services/sync/writeback/WriteBack.ts"
import * as ArmisProperties from "../../armis/ArmisProperties.ts"
import * as ArmisSource from "../../armis/ArmisSource.ts"
import { SpoolFolder } from "../SqliteSpool.ts"
import * as SqliteWrittenValues from "./SqliteWrittenValues.ts"
import * as SrqlAvailability from "./SrqlAvailability.ts"

const batchMax = 1_000

/** Those that can be told. */
export const writable = ({ sources }: SyncConfig): ReadonlyArray<SourceConfig> =>
  sources.filter(({ type, writeBack }) => type === "armis" && writeBack.field !== "")

/** One of them, to be told. */
export const make = Effect.fnUntraced(function*(source: SourceConfig) {
  const folder = yield* SpoolFolder
  const { endpoint, name, writeBack: { batchSize, field } } = source
  const { idKey = "integration_id", source: kind } = ArmisSource.kind
  const writable: WritableSource = {
    name,
    field,
    batchSize: Math.min(batchSize, batchMax),
    states: yield* SrqlAvailability.make(source, kind, idKey),
    writer: yield* ArmisProperties.make(source),
    values: Effect.provideService(
      SqliteWrittenValues.open({ source: name, endpoint, field }),
      SpoolFolder,
      folder
    )
  }
  return writable
})
