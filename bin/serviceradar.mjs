#!/usr/bin/env sh
":" // ; grep -qs '^SigIgn:.*[13579bdf]$' /proc/self/status && export SERVICERADAR_SIGHUP_IGNORED=1; exec node "$0" "$@"
/**
 * Starts the `serviceradar` command, whatever Node runs this file.
 *
 * The second line is nothing to Node; to the shell that runs this file by its name it is a look at whether SIGHUP is
 * ignored (`nohup`), which Node forgets as it starts.
 *
 * It promises a clear sentence on every Node that knows modules, so its syntax stays that of 2019: no `??`, no top-level
 * await. An old Node hands over to the `node` package that development installs bring along; the exit code and the
 * signals pass through.
 */
import { spawn } from "child_process"
import { closeSync, existsSync, openSync, readFileSync } from "fs"
import { constants } from "os"
import { dirname, join } from "path"
import { isatty } from "tty"
import { fileURLToPath, pathToFileURL } from "url"

const home = join(dirname(fileURLToPath(import.meta.url)), "..")
const required = [22, 19]

/** Set for the Node handed over to, which may itself be too old: then explain rather than go round in circles. */
const handedOver = "SERVICERADAR_NODE_HANDED_OVER"

const isRecent = (version) => {
  const [major, minor] = version.split(".").map(Number)
  return major > required[0] || (major === required[0] && minor >= required[1])
}

/** From a checkout Node runs the sources themselves; the published package has only what was compiled from them. */
const entry = () => {
  const source = join(home, "src", "programs", "cli", "main.ts")
  return existsSync(source) ? source : join(home, "dist", "programs", "cli", "main.js")
}

/** The `node` package beside us: in our own folder, or hoisted to the folder that holds us. */
const bundledNode = () => {
  const name = process.platform === "win32" ? "node.exe" : "node"
  const candidates = [
    join(home, "node_modules", "node", "bin", name),
    join(home, "..", "node", "bin", name)
  ]
  return candidates.find((candidate) => existsSync(candidate))
}

const explain = () => {
  const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"))
  process.stderr.write(
    `serviceradar ${version} needs Node ${required.join(".")} or newer; this is Node ${process.versions.node}.\n` +
      "Get one of these, then run the same command again:\n" +
      "  npm install --no-save node@24     in the folder of this package: it is found by itself\n" +
      "  nvm install 24 && nvm use 24      with nvm\n" +
      "  https://nodejs.org/en/download    for everything else\n"
  )
  process.exitCode = 2
}

/**
 * Programs that run for long share their machine with others. V8, left alone, lets garbage grow to several times of what
 * is in use before it looks; with these it stays near twice. The event writer and sync make and forget rows and
 * devices by the ten thousand a second, which wants more room for what is new. At rest they collect by themselves, for which
 * they need the collector. Whoever says something of the heap himself knows better.
 */
const semiSpaceMegabytes = { "event-writer": 8, sync: 4, up: 4, core: 4, poller: 16, agent: 4, sweep: 2 }

/**
 * By how many percent what is old may grow between two collections of it. The calls of a poller outlive a short collection
 * by chance: with more room for what is new few of them become old, so that looking for those more often costs little.
 * What Node keeps of a call over HTTP/2 becomes old in an agent whatever the room, so that one has little of it.
 */
const growingPercent = { poller: 40, agent: 40 }

/**
 * Threads that share the short collections cost more than they save: a twelfth of the processor time of sync. In a poller on a
 * busy machine they wait for one another besides, and all agents for them. An agent shares its host with what it watches: its
 * collections have no threads at all, which need memory too. Of the compilers between the interpreter and the best one it does
 * without Maglev: what that asks of malloc while it compiles stays for good, 20 MB in an agent that answers all day, and the
 * best compiler takes over all the same. One thread that compiles is enough. What a poller remembers of each check lives until the next
 * poll, by which V8 judges what is made at the same places: put among what is old at once, what is soon garbage there keeps young
 * objects from every short collection.
 */
const ownFlags = {
  sync: ["--no-parallel-scavenge"],
  poller: ["--no-parallel-scavenge", "--no-allocation-site-pretenuring"],
  agent: ["--single-threaded-gc", "--no-maglev", "--v8-pool-size=1"]
}

const heapFlags = () => {
  const given = [process.env.NODE_OPTIONS || "", ...process.execArgv].join(" ")
  const isChosen = /--(max-semi-space-size|max-old-space-size|max-heap-size|heap-growing-percent)/.test(given)
  const megabytes = semiSpaceMegabytes[process.argv[2]]
  return megabytes === undefined || isChosen || process.argv.includes("--help")
    ? []
    : [
      "--max-semi-space-size=" + megabytes,
      "--heap-growing-percent=" + (growingPercent[process.argv[2]] || 120),
      "--expose-gc",
      ...(ownFlags[process.argv[2]] || [])
    ]
}

/**
 * glibc gives each thread of Node an arena of its own, of which little is ever used, and keeps for good what statements of
 * a megabyte once took.
 */
const mallocSettings = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_TRIM_THRESHOLD_: String(4 * 2 ** 20),
  MALLOC_MMAP_THRESHOLD_: String(2 ** 20)
}

/**
 * The threads of an agent ask for little and seldom: they share one, of which little is kept. A poller takes answers of up to
 * 4 MiB and copies each on its way to core: memory that the system gives anew each time costs several times what the copy does.
 */
const ownMallocSettings = {
  poller: { MALLOC_TRIM_THRESHOLD_: String(16 * 2 ** 20), MALLOC_MMAP_THRESHOLD_: String(5 * 2 ** 20) },
  agent: {
    MALLOC_ARENA_MAX: "1",
    MALLOC_TRIM_THRESHOLD_: String(2 ** 18),
    MALLOC_MMAP_THRESHOLD_: String(2 ** 17)
  }
}

const mallocOf = (program) => Object.assign({}, mallocSettings, ownMallocSettings[program])

/** Makes this process one with the flags; where that cannot be done, the garbage may grow. */
const replaceSelf = () => {
  const flags = heapFlags()
  if (flags.length === 0 || process.platform === "win32" || typeof process.execve !== "function") return
  const args = [process.execPath, ...process.execArgv, ...flags, fileURLToPath(import.meta.url)]
  const env = Object.assign(mallocOf(process.argv[2]), process.env)
  process.execve(process.execPath, [...args, ...process.argv.slice(2)], env)
}

const handOver = (node) => {
  const flags = heapFlags()
  const settings = flags.length === 0 ? {} : mallocOf(process.argv[2])
  const child = spawn(node, [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: Object.assign({}, settings, process.env, { [handedOver]: "1" })
  })
  // The one that it is handed to knows whether SIGHUP is to be ignored.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2"]) {
    process.on(signal, () => child.kill(signal))
  }
  child.on("error", (error) => {
    process.stderr.write(`serviceradar: ${node} cannot be run: ${error.message}\n`)
    process.exitCode = 2
  })
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal])
  })
}

const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor))

/**
 * SIGHUP would end a program that is not there yet, though it is to read its file again then: that one came is kept for
 * it. Where a terminal has closed, it is the end.
 */
const holdHangUps = () => {
  process.on("SIGHUP", () => {
    if (process.listenerCount("SIGHUP") > 1) return
    if (terminals.some((descriptor) => !isatty(descriptor))) process.exit(128 + constants.signals.SIGHUP)
    process.env.SERVICERADAR_SIGHUP_CAME = "1"
  })
}

/**
 * Node 20 aborts at its end when it cannot restore the settings of a terminal that was closed meanwhile; one that is
 * another file by then it passes over.
 */
const letGoOfClosedTerminals = () => {
  process.on("exit", () => {
    for (const descriptor of terminals) {
      if (isatty(descriptor)) continue
      closeSync(descriptor)
      openSync("/dev/null", "r+")
    }
  })
}

holdHangUps()
letGoOfClosedTerminals()
if (isRecent(process.versions.node)) {
  replaceSelf()
  import(pathToFileURL(entry()).href).catch((error) => {
    process.stderr.write(`serviceradar: ${error.stack || error}\n`)
    process.exitCode = 2
  })
} else {
  const node = process.env[handedOver] === undefined ? bundledNode() : undefined
  if (node === undefined) explain()
  else handOver(node)
}
