import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Result } from "effect"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import * as PollerConfig from "../../../src/domain/poller/PollerConfig.ts"

const decode = (config: unknown) => ConfigDocument.decode(PollerConfig.PollerConfigFile, JSON.stringify(config))

const agents = { "edge-1": { address: "agent:50051", checks: [] } }

describe("PollerConfig", () => {
  it("leaves out a check whose name core cannot keep, and refuses such a name of an agent", () => {
    const check = (name: string) => ({ service_type: "port", service_name: name, details: "127.0.0.1:22" })
    const file = (agent: string) => ({
      poller_id: "p",
      core_address: "core:50052",
      agents: { [agent]: { address: "agent:50051", checks: [check("a\0b"), check("ssh")] } }
    })
    const decoded = ConfigDocument.decode(
      PollerConfig.PollerConfigFile,
      JSON.stringify(file("edge-1")),
      PollerConfig.decodeOptions
    )
    const { leftOut, value } = Result.getOrThrow(decoded)

    assert.deepStrictEqual(value.agents["edge-1"]?.checks?.map((one) => String(one.service_name)), ["ssh"])
    assert.strictEqual(leftOut.length, 1)
    assert.isTrue(Result.isFailure(decode(file("edge\0"))))
  })

  it("reads a full file as the existing poller does", () => {
    const { value, warnings } = Result.getOrThrow(decode({
      poller_id: "edge-poller-1",
      partition: "site-a",
      source_ip: "192.0.2.1",
      core_address: "core.example.net:50052",
      listen_addr: ":50053",
      service_name: "PollerService",
      service_type: "grpc",
      poll_interval: "30s",
      kv_domain: "leaf-001",
      kv_address: "kv:50057",
      security: { mode: "none" },
      agents: {
        "edge-1": {
          address: "agent:50051",
          checks: [
            { service_type: "port", service_name: "ssh", details: "192.0.2.10:22", port: 22 },
            { service_type: "sweep", service_name: "network_sweep", details: "", results_interval: "5m" }
          ]
        }
      },
      logging: { level: "info", output: "stdout" }
    }))
    const config = PollerConfig.fromFile(value)

    assert.deepStrictEqual(warnings, [])
    assert.strictEqual(config.kvStoreId, "leaf-001")
    assert.strictEqual(Duration.toMillis(config.pollInterval), 30_000)
    assert.deepStrictEqual(config.listenAddress, Option.some({ host: "", port: 50_053 }))
    assert.deepStrictEqual(
      config.agents[0]?.checks.map((check) => [check.serviceName, check.port, Option.isSome(check.resultsInterval)]),
      [["ssh", 22, false], ["network_sweep", 0, true]]
    )
  })

  it("gives each check its own timeout: 30 s unless the entry says otherwise, whatever the interval", () => {
    const checks = [{}, { timeout: "45s" }, { timeout: 0 }].map((entry, index) => ({
      service_type: "port",
      service_name: `check-${index}`,
      ...entry
    }))
    const { value } = Result.getOrThrow(decode({
      poller_id: "p",
      core_address: "c:1",
      poll_interval: "5s",
      agents: { a: { address: "a:1", checks } }
    }))

    assert.deepStrictEqual(
      PollerConfig.fromFile(value).agents[0]?.checks.map(({ timeout }) => Duration.toSeconds(timeout)),
      [30, 45, 30]
    )
  })

  it("fills in the documented defaults, also for a poll interval of 0", () => {
    const { value } = Result.getOrThrow(decode({ poller_id: "p", core_address: "c:1", poll_interval: 0, agents }))
    const config = PollerConfig.fromFile(value)

    assert.strictEqual(config.partition, "default")
    assert.strictEqual(config.sourceIp, "auto")
    assert.strictEqual(config.kvStoreId, "")
    assert.strictEqual(Duration.toMillis(config.pollInterval), 300_000)
    assert.deepStrictEqual(config.listenAddress, Option.none())
  })

  it("names every missing or wrong key at once", () => {
    const failure = Option.getOrThrow(Result.getFailure(decode({
      core_address: "core:",
      agents: { a: { checks: [{ service_type: "port", service_name: "x", port: "22" }] } }
    })))

    assert.deepStrictEqual(
      failure._tag === "Invalid" ? failure.problems.map(({ key }) => key).sort() : failure,
      ["agents.a.address", "agents.a.checks[0].port", "core_address", "poller_id"]
    )
  })

  it("does not lose an agent without a name", () => {
    const failure = Option.getOrThrow(
      Result.getFailure(decode({ poller_id: "p", core_address: "c:1", agents: { ...agents, "": { address: "b:1" } } }))
    )

    assert.deepStrictEqual(failure._tag === "Invalid" ? failure.problems.map(({ key }) => key) : [], ["agents[\"\"]"])
  })

  it("wants at least one agent", () => {
    const failure = Option.getOrThrow(Result.getFailure(decode({ poller_id: "p", core_address: "c:1", agents: {} })))

    assert.deepStrictEqual(
      failure._tag === "Invalid" ? failure.problems.map(({ expectation, key }) => [key, expectation]) : [],
      [["agents", "at least one agent"]]
    )
  })

  it("refuses an agent that is null, and names with control characters, for what they are", () => {
    const base = { poller_id: "p", core_address: "c:1" }
    const problemsOf = (config: unknown, text = JSON.stringify(config)) => {
      const failure = Option.getOrThrow(Result.getFailure(
        ConfigDocument.decode(PollerConfig.PollerConfigFile, text, PollerConfig.decodeOptions)
      ))
      return failure._tag === "Invalid" ? failure.problems.map(({ key, value }) => [key, value]) : failure
    }

    assert.deepStrictEqual(problemsOf({ ...base, agents: { ...agents, b: null } }), [["agents.b", "null"]])
    for (const odd of ["x\0y", "x\ny", "\u001b[2J", "x\ud800"]) {
      assert.deepStrictEqual(
        problemsOf({ ...base, poller_id: odd, agents }),
        [["poller_id", JSON.stringify(odd)]],
        JSON.stringify(odd)
      )
    }
    for (const key of ["partition", "source_ip", "kv_domain", "kv_address"]) {
      assert.deepStrictEqual(problemsOf({ ...base, [key]: "a\0b", agents }), [[key, "\"a\\u0000b\""]])
    }
    assert.deepStrictEqual(
      problemsOf({}, `{"poller_id":"p","core_address":"c:1","poll_interval":1e400,"agents":{"a":{"address":"a:1"}}}`),
      [["poll_interval", "1e400"]]
    )
  })

  it("takes the first of two checks with one name, and says so; one whose results are fetched is another", () => {
    const check = (name: string, more: object = {}) => ({ service_type: "port", service_name: name, ...more })
    const { value } = Result.getOrThrow(decode({
      poller_id: "p",
      core_address: "c:1",
      agents: {
        a: {
          address: "a:1",
          checks: [
            check("ssh", { details: "first" }),
            check("web"),
            check("ssh", { details: "second" }),
            check("ssh", { results_interval: "5m" }),
            check("ssh", { results_interval: "6m" }),
            check("ssh", { service_type: "tcp" })
          ]
        },
        b: { address: "b:1", checks: [check("ssh")] }
      },
      discovery: { checks: [check("ssh"), check("ssh")] }
    }))
    const { agents: [first, second] } = PollerConfig.fromFile(value)

    assert.deepStrictEqual(
      first?.checks.map(({ details, resultsInterval, serviceName, serviceType }) =>
        [serviceType, serviceName, details, Option.isSome(resultsInterval)].join()
      ),
      ["port,ssh,first,false", "port,web,,false", "port,ssh,,true", "tcp,ssh,,false"]
    )
    assert.lengthOf(second?.checks ?? [], 1)
    assert.deepStrictEqual(
      PollerConfig.notices(value).map(({ key, notice }) => [key, notice.includes("left out")]),
      [
        ["agents.a.checks[2]", true],
        ["agents.a.checks[4]", true],
        ["discovery.checks[1]", true]
      ]
    )
  })

  it("names the checks that no agent of this project serves yet", () => {
    const file = Result.getOrThrow(ConfigDocument.decode(
      PollerConfig.PollerConfigFile,
      JSON.stringify({
        core_address: "core:50052",
        poller_id: "p",
        agents: {
          edge: {
            address: "edge:50051",
            checks: ["port", "sweep", "mapper_discovery", "snmp", "dusk", "sync"].map((type) => ({
              service_type: type,
              service_name: type
            }))
          }
        }
      })
    ))

    assert.deepStrictEqual(
      PollerConfig.notices(file.value).map(({ key }) => key),
      [2, 4].map((index) => `agents.edge.checks[${index}].service_type`)
    )
  })

  describe("as the existing poller starts with it", () => {
    const text = (agents: string, others = "") =>
      `{"poller_id":"p","core_address":"dns:///core.example:50052",${others}"agents":{${agents}}}`
    const read = (document: string) =>
      Result.getOrThrow(
        ConfigDocument.decode(PollerConfig.PollerConfigFile, document, PollerConfig.decodeOptions)
      )

    it("leaves out checks that cannot be asked for, and names each", () => {
      const found = read(text(`"a":{"address":"a:1","checks":[
        {"service_type":"","service_name":"x"},
        {"service_type":"port","service_name":"ssh","port":70000},
        {"service_type":"port","service_name":"${"n".repeat(300)}"},
        {"service_type":"port"},
        "nonsense"]}`))

      assert.deepStrictEqual(
        PollerConfig.fromFile(found.value).agents[0]?.checks.map(({ port, serviceName }) => [serviceName, port]),
        [["ssh", 70_000]]
      )
      assert.deepStrictEqual(found.leftOut.map(({ key }) => key), [
        "agents.a.checks[0].service_type",
        "agents.a.checks[2].service_name",
        "agents.a.checks[3].service_name",
        "agents.a.checks[4]"
      ])
    })

    it("refuses what is wrong with an agent or the whole, also beside a check that could be left out", () => {
      const failure = Result.getFailure(ConfigDocument.decode(
        PollerConfig.PollerConfigFile,
        text(`"a":{"address":"a b","checks":[{"service_type":"","service_name":"x"}]}`),
        PollerConfig.decodeOptions
      ))
      const found = Option.getOrThrow(failure)
      assert.deepStrictEqual(found._tag === "Invalid" ? found.problems.map(({ key }) => key) : [], [
        "agents.a.address",
        "agents.a.checks[0].service_type"
      ])
    })

    it("takes the last of a key that is given twice, and joins blocks", () => {
      const found = read(text(
        `"a":{"address":"a:1","checks":[]},"b":{"address":"b:1"},"a":{"address":"a:2"}`,
        `"partition":"x","partition":"y","security":{"mode":"none","cert_dir":"/c"},"Security":{"role":"poller"},`
      ))

      assert.deepStrictEqual(PollerConfig.fromFile(found.value).agents.map(({ address }) => address), ["a:2", "b:1"])
      assert.strictEqual(found.value.partition, "y")
      assert.deepStrictEqual(found.value.security, { mode: "none", cert_dir: "/c", role: "poller" })
      assert.deepStrictEqual(found.repeated.map(({ key }) => key), ["partition", "security", "agents.a"])
    })

    it("takes targets of gRPC, addresses without a port and a file as the log's output, and says what they mean", () => {
      const { value } = read(text(`"a":{"address":"agent.example"}`, `"logging":{"output":"/var/log/poller.log"},`))
      const config = PollerConfig.fromFile(value)

      assert.strictEqual(config.coreAddress, "core.example:50052")
      assert.strictEqual(config.agents[0]?.address, "agent.example:443")
      assert.deepStrictEqual(config.logOutput, Option.some("stdout"))
      assert.deepStrictEqual(PollerConfig.notices(value).map(({ key }) => key), ["agents.a.address"])
    })
  })

  it("takes the agents of its rollout, and tells how many they are and which are none", () => {
    const { value } = Result.getOrThrow(decode({
      core_address: "core:50052",
      poller_id: "p",
      agents: { "edge-1": { address: "a:1" }, "edge-2": { address: "b:1" } },
      rollout: { mode: "shadow", agents: ["edge-2", "edge-3"] }
    }))
    assert.deepStrictEqual(PollerConfig.fromFile(value).agents.map(({ agentId }) => `${agentId}`), ["edge-2"])
    assert.deepStrictEqual(PollerConfig.notices(value), [
      { key: "rollout", notice: "1 of the 2 agents are polled without a report to core" },
      { key: "rollout.agents[1]", notice: "\"edge-3\" is none of the file's agents" }
    ])
  })

  it("names the key of a rollout and of a discovery that cannot be", () => {
    const problems = (more: object) => {
      const decoded = decode({ core_address: "core:50052", poller_id: "p", agents, ...more })
      return Result.isFailure(decoded) ? JSON.stringify(decoded.failure) : ""
    }
    assert.include(problems({ rollout: { percent: 101 } }), "rollout.percent")
    assert.include(problems({ rollout: { mode: "half" } }), "rollout.mode")
    assert.include(problems({ discovery: { registration: { lease: "1s" } } }), "discovery.registration.lease")
    assert.include(problems({ discovery: { static: [{ address: "nowhere" }] } }), "discovery.static[0].address")
  })

  it("needs no agent where others may come by themselves, and says when none can", () => {
    const file = { core_address: "core:50052", poller_id: "p", agents: {} }
    assert.isTrue(Result.isFailure(decode(file)))
    const { value } = Result.getOrThrow(decode({ ...file, discovery: { registration: {} } }))
    assert.deepStrictEqual(PollerConfig.fromFile(value).agents, [])
    assert.deepStrictEqual(PollerConfig.notices(value), [
      { key: "discovery.registration", notice: "no agent can register: there is no listen_addr" }
    ])
  })
})
