import { assert, describe, it } from "@effect/vitest"
import * as ListeningPorts from "../../../../src/programs/up/machine/ListeningPorts.ts"

const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
const line = (address: string, state: string) => `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000`
const table = (...lines: ReadonlyArray<string>) => [header, ...lines, ""].join("\n")

const rank = (ports: ReadonlyArray<number>, options: { limit: number; exclude?: ReadonlyArray<number> }) =>
  ListeningPorts.rank(ports.map((port) => ({ port, host: "127.0.0.1", name: `tcp-${port}` })), {
    limit: options.limit,
    exclude: new Set(options.exclude ?? [])
  }).map(({ port }) => port)

describe("ListeningPorts", () => {
  it("reads who listens and on which address it answers", () => {
    const found = ListeningPorts.parse(table(
      line("0100007F:0016", "0A"),
      line("00000000:1F90", "0A"),
      line("0A00020F:0539", "0A"),
      line("0100007F:AFD3", "01")
    ))

    assert.deepStrictEqual(found, [
      { port: 22, host: "127.0.0.1", name: "ssh" },
      { port: 8080, host: "127.0.0.1", name: "http-alt" },
      { port: 1337, host: "15.2.0.10", name: "tcp-1337" }
    ])
  })

  it("reads IPv6 addresses, also those that stand for IPv4", () => {
    const found = ListeningPorts.parse(table(
      line("00000000000000000000000001000000:0050", "0A"),
      line("00000000000000000000000000000000:0051", "0A"),
      line("0000000000000000FFFF00000100007F:0052", "0A"),
      line("000080FE00000000FF005450BBCC0BFE:0053", "0A")
    ))

    assert.deepStrictEqual(found.map(({ host }) => host), [
      "::1",
      "127.0.0.1",
      "127.0.0.1",
      "fe80:0:0:0:5054:ff:fe0b:ccbb"
    ])
  })

  it("finds nothing in a table that is empty or damaged", () => {
    assert.deepStrictEqual(ListeningPorts.parse(""), [])
    assert.deepStrictEqual(ListeningPorts.parse("x\ny z\n0: nonsense rem 0A\n"), [])
  })

  it("puts well-known services first and keeps to the limit", () => {
    assert.deepStrictEqual(rank([9999, 1000, 443, 22], { limit: 3 }), [22, 443, 1000])
  })

  it("leaves out what is monitored anyway and what the kernel numbered", () => {
    assert.deepStrictEqual(rank([80, 8090, 45_000], { limit: 9, exclude: [8090] }), [80])
  })

  it("prefers an IPv4 address where a port has both", () => {
    const ports = ["::1", "127.0.0.1"].map((host) => ({ port: 80, host, name: "http" }))

    const ranked = ListeningPorts.rank(ports, { limit: 5, exclude: new Set() })

    assert.deepStrictEqual(ranked, [{ port: 80, host: "127.0.0.1", name: "http" }])
  })
})
