import { assert, describe, it } from "@effect/vitest"
import { isDirect, ofAddress } from "../../../src/layers/grpc/Proxy.ts"

const cases: ReadonlyArray<readonly [noProxy: string, target: string, direct: boolean]> = [
  ["", "localhost:1", true],
  ["", "LOCALHOST:1", true],
  ["", "dns:///localhost:1", true],
  ["", "ipv4:127.0.0.1:1", true],
  ["", "127.9.9.9:1", true],
  ["", "[::1]:1", true],
  ["", "[::1%lo]:1", true],
  ["", "::1", true],
  ["", "fd12::1", false],
  ["fd00::/8", "fd12::1", true],
  ["", "0.0.0.0:1", true],
  ["", "unix:/run/agent.sock", true],
  ["", "agent.lan:1", false],
  ["", "127.example.com:1", false],
  ["*", "agent.lan:1", true],
  [".lan", "agent.lan:1", true],
  ["lan", "agent.lan:1", true],
  ["*.lan", "agent.lan:1", true],
  ["LAN", "dns:agent.lan:1", true],
  ["AGENT.LAN", "agent.lan.:1", true],
  ["an", "agent.lan:1", false],
  ["other, agent.lan", "agent.lan:1", true],
  ["agent.lan:1", "agent.lan:1", true],
  ["agent.lan:2", "agent.lan:1", false],
  ["10.0.0.0/8", "10.1.2.3:1", true],
  ["10.0.0.0/8", "11.1.2.3:1", false],
  ["10.1.2.3", "10.1.2.3:1", true],
  ["fd00::/8", "[fd12::1]:1", true],
  ["[fd12::1]:1", "[fd12::1]:1", true],
  ["fd12::2", "[fd12::1]:1", false],
  ["10.0.0.0/99,nonsense/x,,", "10.1.2.3:1", false]
]

describe("A target is dialled directly (15-grpc-proxy-environment.ts)", () => {
  for (const [noProxy, target, direct] of cases) {
    it(`${target} with no_proxy=${noProxy}: ${direct}`, () => {
      assert.strictEqual(isDirect(target, { no_proxy: noProxy, http_proxy: "http://proxy:3128" }), direct)
    })
  }

  it("by NO_PROXY and no_grpc_proxy as well", () => {
    assert.deepStrictEqual(
      [isDirect("a.b:1", { NO_PROXY: "b" }), isDirect("a.b:1", { no_grpc_proxy: "b", no_proxy: "x" })],
      [true, true]
    )
  })
})

describe("The proxy of an HTTP address", () => {
  const environment = { HTTPS_PROXY: "https://secure:3128", http_proxy: "plain:3128", NO_PROXY: "lan,10.0.0.0/8" }

  it.each([
    ["https://armis.example.net/api", "https://secure:3128"],
    ["http://armis.example.net:8080", "http://plain:3128"],
    ["https://armis.lan", undefined],
    ["https://10.1.2.3", undefined],
    ["http://localhost:8080", undefined],
    ["http://127.0.0.1:8080", undefined],
    ["https://[::1]", undefined],
    ["nonsense", undefined]
  ])("of %s is %s", (address, proxy) => {
    assert.strictEqual(ofAddress(address, environment), proxy)
  })

  it("is none where the environment names none", () => {
    assert.strictEqual(ofAddress("https://armis.example.net", { HTTP_PROXY: "plain:3128", HTTPS_PROXY: "" }), undefined)
  })
})
