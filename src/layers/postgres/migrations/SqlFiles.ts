/**
 * Migrations as SQL files, `<number>_<name>.sql` in the folder of their context:
 *
 *   -- migrate:up
 *   create table …;
 *   -- migrate:down
 *   drop table …;
 *
 * Each half is run as one command of the server, so that it may hold many statements.
 */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Migration } from "./Migrations.ts"

/** The text of each, by its name without `.sql`. The published command has them in its bundle. */
export const read = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    fs.readdirSync(folder).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort().map((file) => [
      file.slice(0, -".sql".length),
      fs.readFileSync(path.join(folder, file), "utf8")
    ])
  )

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const run = (text: string) =>
  SqlClient.SqlClient.pipe(
    Effect.flatMap((sql) => sql.unsafe(`do $migration$ begin execute ${literal(text)}; end $migration$`)),
    Effect.asVoid
  )

const half = (text: string, mark: "up" | "down"): string | undefined =>
  text.split(/^-- migrate:/m).find((part) => part.startsWith(`${mark}\n`))?.slice(mark.length + 1)

export const steps = (files: Readonly<Record<string, string>>): Readonly<Record<string, Migration>> =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => {
      const down = half(text, "down")
      return [name, { up: run(half(text, "up") ?? text), ...(down === undefined ? {} : { down: run(down) }) }]
    })
  )
