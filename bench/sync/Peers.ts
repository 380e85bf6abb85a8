/** The processes of a measurement, and a proxy that counts what goes over the wire. */
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"

const root = path.resolve(import.meta.dirname, "../..")

const lineOf = (child: ChildProcess, isWanted: (text: string) => boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ""
    child.stdout?.on("data", (part: Buffer) => {
      text += part.toString("utf8")
      const line = text.split("\n").find(isWanted)
      if (line !== undefined) resolve(line)
    })
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${text.slice(-2_000)}`)))
  })

export const fake = async (kind: "armis" | "netbox", devices: number) => {
  const script = path.join(root, "test/fixtures/sources/serve.ts")
  const child = spawn(process.execPath, [script, kind, "--devices", String(devices), "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const line = await lineOf(child, (text) => text.startsWith("{"))
  const { url }: { url: string } = JSON.parse(line)
  return { url, stop: () => child.kill("SIGKILL") }
}

/** The command as a user starts it, with its flags for the heap. */
export const command = (args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [path.join(root, "bin/serviceradar.mjs"), ...args], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  let log = ""
  child.stdout.on("data", (part: Buffer) => {
    log += part.toString("utf8")
  })
  return {
    child,
    pid: child.pid ?? 0,
    log: () => log,
    line: (isWanted: (text: string) => boolean) => lineOf(child, isWanted)
  }
}

const statusOf = (pid: number, key: string): number => {
  const text = fs.readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1000
}

/** Megabytes: the most that the process ever had, and what it has now. */
export const peakMegabytes = (pid: number): number => statusOf(pid, "VmHWM")
export const residentMegabytes = (pid: number): number => statusOf(pid, "VmRSS")

export const countingProxy = async (target: number) => {
  let bytes = 0
  const server = net.createServer((client) => {
    const upstream = net.connect(target, "127.0.0.1")
    upstream.on("data", (part) => {
      bytes += part.length
    })
    client.pipe(upstream).pipe(client)
    client.on("error", () => upstream.destroy())
    upstream.on("error", () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const bound = server.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  return { port, bytes: () => bytes, stop: () => server.close() }
}
