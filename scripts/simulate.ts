/**
 * Leads a whole installation through faults in virtual time: `npm run simulate`.
 *
 *   --seed N       the first seed; default 1
 *   --seeds N      how many; default 1
 *   --hours H      virtual hours of each; default 1
 *   --agents N     default 50, with five checks each
 *   --checks N     of each agent; default 5
 *   --pollers N    default 2
 *   --messages N   events a second; default 200
 *   --devices N    of sync's source; default 2000
 *   --profile P    calm, rough or hostile; default rough
 *   --replay FILE  leads the plan in a file that a violation has left, which has a seed and settings of its own
 *   --save FILE    where a violation leaves its plan, of several the last; default simulation-SEED.json
 *   --shrink S     seconds that may go into looking for fewer faults, of each violation; default 120
 *   --until-first  ends at the first violation, as it is
 *   --json         no text but the last line
 *   --help         this
 *
 * The last line is one JSON object: seeds, violations, hash (of all logs), events, faults, virtualHours, seconds, cpuSeconds,
 * megabytes, books. Exits with 1 when something broke, 2 when it was asked for wrongly, 141 when nobody reads it any more.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { EventLog } from "../src/domain/simulation/EventLog.ts"
import { type Fault, profiles } from "../src/domain/simulation/FaultPlan.ts"
import * as Simulation from "../src/services/simulation/Simulation.ts"
import * as Installation from "../test/simulation/Installation.ts"
import * as SyncSpool from "../test/simulation/parties/SyncSpool.ts"
import * as Replay from "../test/simulation/Replay.ts"
import * as Asked from "./options/Asked.ts"
import * as Lines from "./options/Lines.ts"

Asked.help(import.meta.filename)

const { tokens, values } = Asked.read(() =>
  parseArgs({
    tokens: true,
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "1" },
      hours: { type: "string", default: "1" },
      agents: { type: "string", default: "50" },
      checks: { type: "string", default: "5" },
      pollers: { type: "string", default: "2" },
      messages: { type: "string", default: "200" },
      devices: { type: "string", default: "2000" },
      profile: { type: "string", default: "rough" },
      replay: { type: "string" },
      save: { type: "string" },
      shrink: { type: "string", default: "120" },
      json: { type: "boolean", default: false },
      "until-first": { type: "boolean", default: false }
    }
  })
)

const number = (
  option: keyof typeof Replay.bounds
): number => {
  const { least, most } = Replay.bounds[option]
  return Asked.number(option, values[option], least, option !== "hours", most)
}

const profile = profiles.find((one) => one === values.profile) ??
  Asked.refuse("profile", values.profile, profiles.join(", "))

const { replay: replayFile } = values
const replayed = replayFile === undefined
  ? undefined
  : Replay.read(Asked.read(() => fs.readFileSync(replayFile, "utf8")))
const needless = tokens.find((token) => token.kind === "option" && !["replay", "json"].includes(token.name))
if (replayFile !== undefined && needless?.kind === "option") {
  Asked.end(`--replay has a seed and settings of its own: leave --${needless.name} out`)
}
const unfit = typeof replayed === "string" ? replayed : replayed &&
  Replay.misfit(replayed.plan, Installation.scenario(replayed.settings).kinds, replayed.settings.hours)
if (unfit !== undefined) Asked.end(`--replay is ${values.replay}, which cannot be led: ${unfit}`)
const replay = typeof replayed === "string" ? undefined : replayed

const shrinkSeconds = number("shrink")

const { save } = values
// Before the hours that lead to a violation, not after them.
const isFolder = (name: string): boolean => fs.statSync(name, { throwIfNoEntry: false })?.isDirectory() === true
if (save !== undefined && (save === "" || isFolder(save) || !isFolder(path.dirname(save)))) {
  Asked.refuse("save", save, "a file in a folder that is there")
}

const say = (line: string): void => {
  if (!values.json) Lines.write(line)
}

const sayWhetherSame = (outcome: Simulation.Outcome): void => {
  const same = Replay.again(replay?.found, outcome)
  if (same !== undefined) say(same)
}

/** Of the machine, also while a world runs. */
const realMillis = performance.now.bind(performance)
const tellEveryMillis = 5_000
let toldMillis = realMillis()
/** Where nothing can be written anew, a line now and then. */
const tellApart = (line: () => string): void => {
  if (values.json || realMillis() - toldMillis < tellEveryMillis) return
  toldMillis = realMillis()
  Lines.write(line())
}

/** Virtual hours have five minutes at the end in which nothing is done. */
const options = {
  hours: number("hours"),
  agents: number("agents"),
  checks: number("checks"),
  pollers: number("pollers"),
  messagesPerSecond: number("messages"),
  devices: number("devices"),
  profile,
  ...replay?.settings
}
// A poller without an agent does not start.
if (options.agents < options.pollers) {
  Asked.refuse("agents", `${options.agents}`, `one for each of ${options.pollers} pollers at least`)
}

const isLive = process.stdout.isTTY && !values.json

/** A line that is wider than the terminal would be two, of which only one is written anew. */
const writeAnew = (line: string): unknown => process.stdout.write(`\r${line.slice(0, process.stdout.columns - 1)}`)

const live = (seed: string, plan: ReadonlyArray<Fault>): Pick<Installation.InstallationOptions, "onWorld"> =>
  values.json
    ? {}
    : {
      onWorld: (world, state) => {
        const lineNow = () => {
          const minutes = (world.nowMillis / 60_000).toFixed(0).padStart(3)
          const begun = plan.filter(({ atMillis }) => atMillis <= world.nowMillis).length
          return `seed ${seed}  ${minutes} min  ${world.log.count} events  ${begun} faults  ${state()}   `
        }
        const tell = () => {
          if (isLive) writeAnew(lineNow())
          else tellApart(() => lineNow().trimEnd())
          world.after(60_000, tell)
        }
        world.after(60_000, tell)
      }
    }

SyncSpool.removeLeft()

const beganMillis = performance.now()
const all = new EventLog({ kept: 1 })
let led = 0
let violations = 0
let events = 0
let faults = 0
const books: Record<string, number> = {}
const seeds = replay === undefined
  ? Array.from({ length: number("seeds") }, (_, at) => `${number("seed") + at}`)
  : [replay.seed]

for (const seed of seeds) {
  const plan = replay?.plan ?? Simulation.planOf(Installation.scenario(options), seed)
  const outcome = Simulation.run(Installation.scenario({ ...options, ...live(seed, plan) }), seed, plan)
  if (isLive) process.stdout.write("\r\x1b[K")
  all.add({ atMicros: 0, party: seed, peer: undefined, text: outcome.hash })
  led += 1
  events += outcome.events
  faults += outcome.plan.length
  for (const [name, count] of Object.entries(outcome.books)) books[name] = (books[name] ?? 0) + count
  if (outcome.violation === undefined) {
    say(`seed ${seed}: ${outcome.events} events, ${outcome.plan.length} faults, ${outcome.hash}`)
    sayWhetherSame(outcome)
    continue
  }
  violations += 1
  if (values["until-first"]) {
    say(`seed ${seed}: ${outcome.violation.message}`)
    break
  }
  if (replay === undefined) say(`seed ${seed} breaks a promise; looking for fewer faults than ${outcome.plan.length} …`)
  const untilMillis = performance.now() + shrinkSeconds * 1_000
  let isCutOff = false
  const scenario = Installation.scenario(options)
  const shrunk = replay === undefined
    ? Simulation.shrink(scenario, outcome, {
      isOver: () => {
        isCutOff ||= performance.now() >= untilMillis
        return isCutOff
      },
      onAttempt: (attempt, left) => {
        const line = `attempt ${attempt}, ${left} faults`
        if (isLive) writeAnew(`${line}   `)
        else tellApart(() => line)
      }
    })
    : Simulation.look(scenario, outcome)
  if (isLive) process.stdout.write("\r\x1b[K")
  if (isCutOff) say(`fewer faults were looked for only ${shrinkSeconds} s long (--shrink): there may be fewer`)
  for (const line of Simulation.report(shrunk)) say(line)
  if (replay !== undefined) {
    sayWhetherSame(shrunk)
    continue
  }
  const file = save ?? `simulation-${seed}.json`
  const unsaved = Replay.save(file, {
    seed,
    settings: options,
    plan: shrunk.plan,
    found: { invariant: shrunk.violation?.invariant ?? "", hash: shrunk.hash }
  })
  if (unsaved === undefined) say(`again: npm run simulate -- --replay ${file}`)
  else console.error(unsaved)
}

const seconds = Math.round(performance.now() - beganMillis) / 1_000
const { system, user } = process.cpuUsage()
const megabytes = Math.round(process.resourceUsage().maxRSS / 1_024)
Lines.write(JSON.stringify({
  seeds: led,
  violations,
  hash: all.hash,
  events,
  faults,
  virtualHours: Math.round(options.hours * led * 1_000) / 1_000,
  seconds,
  /** What a busy machine does not change. */
  cpuSeconds: Math.round((system + user) / 1_000) / 1_000,
  megabytes,
  /** Of all seeds: what was taken is stored, dropped, gone with a process or waits; what was published, stored or a dead letter. */
  books
}))
process.exitCode = violations === 0 ? 0 : 1
