/** A checker's program, which the agent starts, watches and starts again: the key `program` of a checker's file. */
import { Duration, Option, Schema } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"

const absolute = Schema.String.check(
  Schema.makeFilter((path) => path.startsWith("/") || "an absolute path such as \"/usr/lib/serviceradar/disk-checker\"")
)
const bounded = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

export const ProgramBlock = Schema.Struct({
  command: absolute,
  args: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(100))),
  /** Beside PATH, all of its environment. */
  env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  dir: Schema.optionalKey(absolute),
  /** For each of its processes, kept by the kernel; 0 is no limit, and so is none. */
  memory_mb: Schema.optionalKey(bounded(0, 1_048_576)),
  /** Within which it has to serve its health; 30 s unless told. */
  start_timeout: Schema.optionalKey(GoDuration),
  /** The name that its health is asked for; the whole server unless told. */
  health: Schema.optionalKey(Schema.String)
})

export interface ProgramSpec {
  /** Of the checker. */
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly folder: Option.Option<string>
  readonly memoryMegabytesMax: number
  readonly startTimeout: Duration.Duration
  /** Where its health is asked; none for one that serves nobody. */
  readonly address: Option.Option<string>
  readonly healthName: string
}

const startTimeoutDefault = Duration.seconds(30)

export const fromBlock = (name: string, address: string, block: typeof ProgramBlock.Type): ProgramSpec => ({
  name,
  command: block.command,
  args: block.args ?? [],
  env: block.env ?? {},
  folder: Option.fromNullishOr(block.dir),
  memoryMegabytesMax: block.memory_mb ?? 0,
  startTimeout: block.start_timeout === undefined || Duration.isZero(block.start_timeout)
    ? startTimeoutDefault
    : block.start_timeout,
  address: address === "" ? Option.none() : Option.some(address),
  healthName: block.health ?? ""
})
