/** Debian's dnsmasq (package dnsmasq-base) as a server of one zone. */
import { Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as FreePort from "../../../../src/layers/process/endpoint/FreePort.ts"

const file = ["/usr/sbin/dnsmasq", "/usr/bin/dnsmasq"].find((one) => fs.existsSync(one))

/** What tests go without, where it is not installed. */
export const missing = file === undefined ? "dnsmasq" : undefined

/** More than a datagram holds. */
export const longTexts = Array.from({ length: 12 }, (_, index) => `${index}-${"x".repeat(180)}`)

const records = [
  "--host-record=www.zone.test,192.0.2.80,2001:db8::80,300",
  "--cname=alias.zone.test,www.zone.test",
  "--mx-host=zone.test,mail.zone.test,10",
  "--srv-host=_ldap._tcp.zone.test,dc.zone.test,389,5,7",
  "--txt-record=zone.test,v=spf1 -all",
  "--caa-record=zone.test,0,issue,ca.test",
  ...longTexts.map((text) => `--txt-record=long.zone.test,${text}`)
]

const answers = (port: number) =>
  Effect.callback<void, string>((resume) => {
    const socket = net.connect(port, "127.0.0.1")
    socket.once("connect", () => resume(Effect.void))
    socket.once("error", ({ message }) => resume(Effect.fail(message)))
    return Effect.sync(() => socket.destroy())
  })

/** `127.0.0.1:port` of a server that answers. */
export const start = Effect.gen(function*() {
  const port = yield* FreePort.next("127.0.0.1", 0)
  const arguments_ = [
    "--keep-in-foreground",
    "--conf-file=/dev/null",
    "--no-resolv",
    "--no-hosts",
    "--pid-file",
    "--user=root",
    "--listen-address=127.0.0.1",
    "--bind-interfaces",
    `--port=${port}`,
    "--local=/zone.test/",
    ...records
  ]
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn(file ?? "dnsmasq", arguments_, { stdio: "ignore" })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )
  yield* answers(port).pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("10 seconds"))
  return `127.0.0.1:${port}`
})
