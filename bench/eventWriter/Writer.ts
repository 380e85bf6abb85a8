/** The real `serviceradar event-writer`, as a process. */
import { ChildProgram } from "../processes/ChildProgram.ts"
import type { Servers } from "./Servers.ts"

export interface WriterOptions {
  readonly program: string
  /** A folder for CPU profiles. */
  readonly profile: string | undefined
  /** More variables for the writer: `--env EVENT_WRITER_BATCH_SIZE=500,…`. */
  readonly env: Readonly<Record<string, string>>
  /** Flags for the writer's Node: `--node --max-semi-space-size=8,--trace-gc`. */
  readonly node: ReadonlyArray<string>
}

export const start = (servers: Servers, { env, node, profile, program }: WriterOptions): ChildProgram =>
  new ChildProgram(
    [
      ...node,
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`, "--cpu-prof-interval=500"]),
      program,
      "event-writer",
      "--http",
      "off",
      "--log-level",
      "info"
    ],
    {
      EVENT_WRITER_ENABLED: "true",
      EVENT_WRITER_NATS_URL: servers.natsUrl,
      DATABASE_URL: servers.databaseUrl,
      EVENT_WRITER_CREATE_STREAMS: "true",
      EVENT_WRITER_TENANT: "default",
      EVENT_WRITER_LISTEN_ADDR: "127.0.0.1:0",
      ...env
    }
  )
