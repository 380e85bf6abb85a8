/** Debian's snmpd on a free port of the loopback, with a community and three users. */
import { Effect, Option } from "effect"
import { spawn } from "node:child_process"
import * as dgram from "node:dgram"
import * as fs from "node:fs"
import { eventually } from "../../../support/Program.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const program = "/usr/sbin/snmpd"

export const community = "s3cret-community"
export const passwords = { auth: "auth-s3cret-pass", priv: "priv-s3cret-pass" } as const

export const missing = fs.existsSync(program) ? undefined : "snmpd"

const freeUdpPort = Effect.callback<number>((resume) => {
  const socket = dgram.createSocket("udp4")
  socket.bind(0, "127.0.0.1", () => {
    const { port } = socket.address()
    socket.close(() => resume(Effect.succeed(port)))
  })
})

const config = (port: number) => `
agentAddress udp:127.0.0.1:${port}
rocommunity ${community} 127.0.0.1
rouser plain noauth
rouser signed auth
rouser sealed priv
createUser plain
createUser signed SHA-256 "${passwords.auth}"
createUser sealed SHA "${passwords.auth}" AES "${passwords.priv}"
sysName snmpd-of-a-test
sysLocation Zürich
`

/** Its port, once it listens. */
export const start = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const port = yield* freeUdpPort
  fs.writeFileSync(`${folder}/snmpd.conf`, config(port))
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(program, ["-f", "-Lo", "-C", "-c", `${folder}/snmpd.conf`, "-p", `${folder}/pid`], {
        env: { SNMP_PERSISTENT_DIR: folder, MIBS: "" },
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (one) =>
      Effect.callback<void>((resume) => {
        if (one.exitCode !== null) return resume(Effect.void)
        one.once("exit", () => resume(Effect.void))
        one.kill("SIGKILL")
      })
  )
  let said = ""
  child.stdout.on("data", (part: Buffer) => said += part.toString())
  child.stderr.on("data", (part: Buffer) => said += part.toString())
  yield* eventually(
    "snmpd listens",
    Effect.sync(() => said.includes("NET-SNMP version") ? Option.some(true) : Option.none()),
    { within: "10 seconds" }
  )
  return { port, child }
})
