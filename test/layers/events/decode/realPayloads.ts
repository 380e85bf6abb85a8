/**
 * Payloads in the forms that collectors and loggers of the field document, with values of our own, and what of their rows
 * follows from the documentation of each.
 */

export interface RealPayload {
  readonly name: string
  readonly subject: string
  readonly payload: object | string
  /** Of the first row. */
  readonly row: Readonly<Record<string, unknown>>
  /** Texts that columns hold among others. */
  readonly within?: Readonly<Record<string, string>>
}

/** 2026-01-02T03:04:05 and these fractions. */
const seconds = 1_767_323_045_000_000
const millis = seconds + 123_000
const micros = seconds + 123_456
const isoMillis = "2026-01-02T03:04:05.123Z"
const isoMicros = "2026-01-02T03:04:05.123456Z"

/** Of subjects below `logs`. */
export const realLogs: ReadonlyArray<RealPayload> = [
  {
    name: "rsyslog, a list template",
    subject: "logs.rsyslog",
    payload: {
      "@timestamp": "2026-01-02T04:04:05.123456+01:00",
      host: "fw-1",
      severity: "err",
      facility: "kern",
      "syslog-tag": "kernel:",
      source: "kernel",
      message: " eth0: link down"
    },
    row: {
      timestamp: micros,
      severity_text: "ERROR",
      severity_number: 19,
      body: " eth0: link down",
      service_name: "fw-1"
    },
    within: { attributes: `"syslog-tag":"kernel:"` }
  },
  {
    name: "rsyslog, a template with severity as a number",
    subject: "logs.rsyslog",
    payload: { timestamp: "2026-01-02T03:04:05+00:00", host: "172.20.245.8", severity: 7, facility: 20, msg: "x" },
    row: { timestamp: seconds, severity_text: "DEBUG", severity_number: 7, body: "x", service_name: "172.20.245.8" }
  },
  {
    name: "rsyslog, jsonmesg",
    subject: "logs.rsyslog",
    payload: {
      msg: " session opened",
      rawmsg: "<86>Jan  2 03:04:05 web-1 sshd[812]: session opened",
      timereported: "2026-01-02T03:04:05.123456+00:00",
      hostname: "web-1",
      syslogtag: "sshd[812]:",
      pri: "84",
      syslogfacility: "10",
      syslogseverity: "4",
      programname: "sshd"
    },
    row: {
      timestamp: micros,
      severity_text: "WARN",
      severity_number: 15,
      body: " session opened",
      service_name: "web-1"
    }
  },
  {
    name: "syslog-ng, format-json",
    subject: "logs.syslogng",
    payload: {
      PROGRAM: "sshd",
      PRIORITY: "crit",
      PID: "812",
      MESSAGE: "disk failing",
      HOST: "web-1",
      FACILITY: "auth",
      DATE: "Jan  2 03:04:05"
    },
    row: { severity_text: "FATAL", severity_number: 23, body: "disk failing", service_name: "web-1" },
    within: { attributes: `"DATE":"Jan  2 03:04:05"` }
  },
  {
    name: "journald, journalctl -o json",
    subject: "logs.journal",
    payload: {
      __CURSOR: "s=1;i=2",
      __REALTIME_TIMESTAMP: String(seconds + 999_999),
      __MONOTONIC_TIMESTAMP: "27200938",
      _SOURCE_REALTIME_TIMESTAMP: String(micros),
      PRIORITY: "3",
      _HOSTNAME: "node-1",
      SYSLOG_IDENTIFIER: "nginx",
      _PID: "812",
      MESSAGE: "upstream timed out"
    },
    row: {
      timestamp: micros,
      severity_text: "ERROR",
      severity_number: 19,
      body: "upstream timed out",
      service_name: "node-1"
    },
    within: { attributes: `"SYSLOG_IDENTIFIER":"nginx"` }
  },
  {
    name: "Fluent Bit, JSON lines",
    subject: "logs.fluent",
    payload: { date: 1_767_323_045.123456, log: "hello", stream: "stderr" },
    row: { timestamp: micros, body: "hello", severity_text: "INFO" }
  },
  {
    name: "Fluent Bit, to NATS",
    subject: "logs.fluent",
    payload: [[1_767_323_045.123456, { tag: "kmsg", priority: 3, msg: "oom" }], [1_767_323_046, { tag: "cpu" }]],
    row: { timestamp: micros, body: "oom" },
    within: { attributes: `"tag":"kmsg"` }
  },
  {
    name: "Docker, json-file",
    subject: "logs.docker",
    payload: { log: "boom\n", stream: "stderr", time: "2026-01-02T03:04:05.123456789Z" },
    row: { timestamp: micros, body: "boom\n" }
  },
  {
    name: "Kubernetes through Fluentd",
    subject: "logs.k8s",
    payload: {
      log: "ready",
      stream: "stdout",
      kubernetes: { pod_name: "web-0", labels: { app: "web" } },
      time: "2026-01-02T03:04:05.123456789+00:00"
    },
    row: { timestamp: micros, body: "ready" },
    within: { attributes: `"pod_name":"web-0"` }
  },
  {
    name: "Vector, syslog source",
    subject: "logs.vector",
    payload: {
      appname: "non",
      facility: "local1",
      host: "dev-1",
      hostname: "dev-1",
      message: "Try to override the THX port",
      msgid: "ID931",
      procid: 2426,
      severity: "notice",
      source_ip: "127.0.0.1",
      source_type: "syslog",
      timestamp: isoMillis,
      version: 1
    },
    row: { timestamp: millis, severity_text: "INFO", severity_number: 11, service_name: "dev-1" },
    within: { attributes: `"procid":2426` }
  },
  {
    name: "Logstash",
    subject: "logs.logstash",
    payload: {
      "@timestamp": isoMillis,
      "@version": "1",
      host: { hostname: "web-1" },
      message: "GET /",
      event: { original: "GET / HTTP/1.1" }
    },
    row: { timestamp: millis, body: "GET /", service_name: "web-1" }
  },
  {
    name: "Filebeat in ECS",
    subject: "logs.beats",
    payload: {
      "@timestamp": isoMillis,
      ecs: { version: "8.0.0" },
      log: { level: "warn", file: { path: "/var/log/x" }, offset: 9_007_199_254_740_991 },
      host: { name: "web-1" },
      service: { name: "shop", version: "1.2" },
      trace: { id: "0af7651916cd43dd8448eb211c80319c" },
      message: "slow"
    },
    row: {
      timestamp: millis,
      severity_text: "WARN",
      severity_number: 15,
      body: "slow",
      service_name: "shop",
      service_version: "1.2",
      trace_id: "0af7651916cd43dd8448eb211c80319c"
    }
  },
  {
    name: "Winlogbeat",
    subject: "logs.beats",
    payload: {
      "@timestamp": isoMillis,
      event: { code: "7031", provider: "Service Control Manager" },
      host: { name: "WIN-1" },
      log: { level: "critical" },
      message: "The service terminated unexpectedly.",
      winlog: { record_id: 18_446_744_073_709 }
    },
    row: { timestamp: millis, severity_text: "FATAL", severity_number: 23, service_name: "WIN-1" }
  },
  {
    name: "ECS with dots in its names",
    subject: "logs.ecs",
    payload: {
      "@timestamp": isoMillis,
      "log.level": "ERROR",
      "log.logger": "com.shop.Cart",
      "service.name": "cart",
      "trace.id": "0af7651916cd43dd8448eb211c80319c",
      message: "no stock"
    },
    row: {
      timestamp: millis,
      severity_text: "ERROR",
      service_name: "cart",
      scope_name: "com.shop.Cart",
      trace_id: "0af7651916cd43dd8448eb211c80319c"
    }
  },
  {
    name: "pino",
    subject: "logs.node",
    payload: { level: 50, time: 1_767_323_045_123, pid: 657, hostname: "mbp", msg: "no" },
    row: { timestamp: millis, severity_text: "ERROR", severity_number: 19, body: "no", service_name: "mbp" }
  },
  {
    name: "bunyan",
    subject: "logs.node",
    payload: { name: "app", hostname: "mbp", pid: 1, level: 40, msg: "careful", time: isoMillis, v: 0 },
    row: { timestamp: millis, severity_text: "WARN", severity_number: 15, body: "careful" }
  },
  {
    name: "winston",
    subject: "logs.node",
    payload: { level: "silly", message: "x", timestamp: isoMillis, service: "user-service" },
    row: { timestamp: millis, severity_text: "TRACE", severity_number: 3, service_name: "user-service" }
  },
  {
    name: "zap",
    subject: "logs.go",
    payload: { level: "dpanic", ts: 1_767_323_045.1234567, caller: "main.go:12", msg: "failed to fetch URL" },
    row: { timestamp: micros, severity_text: "FATAL", severity_number: 23, body: "failed to fetch URL" }
  },
  {
    name: "zerolog",
    subject: "logs.go",
    payload: { level: "info", time: 1_767_323_045, message: "hello world" },
    row: { timestamp: seconds, severity_text: "INFO", severity_number: 11, body: "hello world" }
  },
  {
    name: "logrus",
    subject: "logs.go",
    payload: { level: "panic", msg: "The ice breaks!", number: 100, time: "2026-01-02T04:04:05+01:00" },
    row: { timestamp: seconds, severity_text: "FATAL", severity_number: 23 }
  },
  {
    name: "slog, between its levels",
    subject: "logs.go",
    payload: { time: "2026-01-02T03:04:05.123456789+00:00", level: "ERROR+2", msg: "x" },
    row: { timestamp: micros, severity_text: "ERROR", severity_number: 19 }
  },
  {
    name: "slog, below its levels",
    subject: "logs.go",
    payload: { time: isoMicros, level: "DEBUG-4", msg: "x" },
    row: { timestamp: micros, severity_text: "TRACE", severity_number: 3 }
  },
  {
    name: "hclog",
    subject: "logs.vault",
    payload: { "@level": "warn", "@message": "seal", "@module": "core", "@timestamp": isoMicros },
    row: { timestamp: micros, severity_text: "WARN", body: "seal" }
  },
  {
    name: "klog in JSON",
    subject: "logs.k8s",
    payload: { ts: 1_767_323_045_123.456, caller: "a.go:1", msg: "Pod status updated", v: 4 },
    row: { timestamp: micros, body: "Pod status updated" }
  },
  {
    name: "Istio",
    subject: "logs.istio",
    payload: { level: "error", time: isoMicros, scope: "ads", msg: "push failed" },
    row: { timestamp: micros, severity_text: "ERROR", scope_name: "ads", body: "push failed" }
  },
  {
    name: "Serilog, compact",
    subject: "logs.dotnet",
    payload: { "@t": "2026-01-02T03:04:05.1234567Z", "@mt": "Hello, {User}", "@l": "Warning", User: "a" },
    row: { timestamp: micros, severity_text: "WARN", severity_number: 15, body: "Hello, {User}" },
    within: { attributes: `"User":"a"` }
  },
  {
    name: ".NET, the JSON console",
    subject: "logs.dotnet",
    payload: { Timestamp: isoMillis, EventId: 14, LogLevel: "Critical", Category: "Kestrel", Message: "down" },
    row: { timestamp: millis, severity_text: "FATAL", severity_number: 23, body: "down" }
  },
  {
    name: "NLog, whose time has no offset",
    subject: "logs.dotnet",
    payload: { time: "2026-01-02 03:04:05.1234", level: "INFO", message: "m" },
    row: { severity_text: "INFO", body: "m" },
    within: { attributes: `"time":"2026-01-02 03:04:05.1234"` }
  },
  {
    name: "log4j 2, JsonLayout",
    subject: "logs.java",
    payload: {
      instant: { epochSecond: 1_767_323_045, nanoOfSecond: 123_456_789 },
      thread: "main",
      level: "WARN",
      loggerName: "Hello",
      message: "Hello, World!",
      threadPriority: 5
    },
    row: { timestamp: micros, severity_text: "WARN", body: "Hello, World!" }
  },
  {
    name: "logback, Logstash's encoder",
    subject: "logs.java",
    payload: {
      "@timestamp": "2026-01-02T04:04:05.123+01:00",
      "@version": "1",
      message: "m",
      logger_name: "org.Sample",
      level: "ERROR",
      level_value: 40_000,
      stack_trace: "java.lang.X"
    },
    row: { timestamp: millis, severity_text: "ERROR", severity_number: 19 }
  },
  {
    name: "python-json-logger",
    subject: "logs.python",
    payload: { asctime: "2026-01-02 03:04:05,123", levelname: "CRITICAL", name: "root", message: "m" },
    row: { severity_text: "FATAL", severity_number: 23, body: "m" }
  },
  {
    name: "structlog",
    subject: "logs.python",
    payload: { event: "user_logged_in", level: "warning", timestamp: isoMicros, user: 1 },
    row: { timestamp: micros, severity_text: "WARN", body: "user_logged_in" }
  },
  {
    name: "tracing of Rust",
    subject: "logs.rust",
    payload: { timestamp: isoMicros, level: "ERROR", fields: { message: "cannot bind", port: 80 }, target: "app" },
    row: { timestamp: micros, severity_text: "ERROR", body: "cannot bind" },
    within: { attributes: `"target":"app"` }
  },
  {
    name: "Monolog",
    subject: "logs.php",
    payload: {
      message: "no",
      context: {},
      level: 400,
      level_name: "ERROR",
      channel: "app",
      datetime: "2026-01-02T03:04:05.123456+00:00",
      extra: {}
    },
    row: { timestamp: micros, severity_text: "ERROR", severity_number: 19, body: "no" }
  },
  {
    name: "LoggerJSON of Elixir",
    subject: "logs.elixir",
    payload: { time: isoMillis, severity: "error", message: "crash", metadata: { pid: "<0.1.0>" } },
    row: { timestamp: millis, severity_text: "ERROR", body: "crash" }
  },
  {
    name: "PostgreSQL, jsonlog",
    subject: "logs.postgres",
    payload: {
      timestamp: "2026-01-02 03:04:05.123 UTC",
      pid: 1,
      error_severity: "FATAL",
      state_code: "28P01",
      message: "password authentication failed"
    },
    row: { timestamp: millis, severity_text: "FATAL", severity_number: 23 }
  },
  {
    name: "PostgreSQL, a line of its own",
    subject: "logs.postgres",
    payload: { timestamp: "2026-01-02 03:04:05.123 GMT", error_severity: "LOG", message: "checkpoint complete" },
    row: { timestamp: millis, severity_text: "INFO", severity_number: 11 }
  },
  {
    name: "Caddy",
    subject: "logs.caddy",
    payload: {
      level: "info",
      ts: 1_767_323_045.123456,
      logger: "http.log.access",
      msg: "handled request",
      request: { method: "GET", headers: { Accept: ["*/*"] } },
      duration: 0.001,
      status: 200
    },
    row: { timestamp: micros, body: "handled request" },
    within: { attributes: `"duration":0.001` }
  },
  {
    name: "Google Cloud, whose time is an object",
    subject: "logs.gcp",
    payload: { severity: "EMERGENCY", message: "m", timestamp: { seconds: 1_767_323_045, nanos: 123_456_789 } },
    row: { timestamp: micros, severity_text: "FATAL", severity_number: 23 }
  },
  {
    name: "Google Cloud, no severity assigned",
    subject: "logs.gcp",
    payload: { severity: "DEFAULT", message: "m", time: isoMicros },
    row: { timestamp: micros, severity_text: "INFO", severity_number: 11 }
  },
  {
    name: "AWS Lambda",
    subject: "logs.aws",
    payload: { timestamp: isoMillis, level: "ERROR", requestId: "79b4", message: "Task timed out" },
    row: { timestamp: millis, severity_text: "ERROR", body: "Task timed out" }
  },
  {
    name: "Suricata, an alert",
    subject: "logs.suricata",
    payload:
      `{"timestamp":"2026-01-02T03:04:05.123456+0000","flow_id":1770453319291727999,"event_type":"alert","src_ip":"192.0.2.1","alert":{"severity":3,"signature":"x"}}`,
    row: { timestamp: micros },
    within: { attributes: `"flow_id":"1770453319291727999"` }
  },
  {
    name: "Zeek, a notice",
    subject: "logs.zeek",
    payload: {
      ts: 1_767_323_045.123456,
      uid: "CbCBU",
      "id.orig_h": "192.0.2.1",
      "id.orig_p": 1032,
      note: "x",
      msg: "m"
    },
    row: { timestamp: micros, body: "m" },
    within: { attributes: `"id.orig_p":1032` }
  },
  {
    name: "Serilog, its JSON formatter",
    subject: "logs.app",
    payload: {
      Timestamp: "2026-01-02T03:04:05.1234567+00:00",
      Level: "Warning",
      MessageTemplate: "Hello {User}",
      Properties: { User: "x" }
    },
    row: { timestamp: micros, severity_text: "WARN", severity_number: 15, body: "Hello {User}" }
  },
  {
    name: "log4j 2 before 2.11, JsonLayout",
    subject: "logs.app",
    payload: { timeMillis: 1_767_323_045_123, thread: "main", level: "ERROR", loggerName: "x", message: "m" },
    row: { timestamp: millis, severity_text: "ERROR", severity_number: 19, body: "m" }
  },
  {
    name: "Google Cloud, an entry of text",
    subject: "logs.gcp",
    payload: { severity: "EMERGENCY", textPayload: "m", timestamp: isoMicros, logName: "projects/x/logs/y" },
    row: { timestamp: micros, severity_text: "FATAL", severity_number: 23, body: "m" }
  },
  {
    name: "Google Cloud, an entry of JSON",
    subject: "logs.gcp",
    payload: { severity: "NOTICE", jsonPayload: { message: "m", a: 1 }, timestamp: isoMicros },
    row: { timestamp: micros, severity_text: "INFO", body: "m" },
    within: { attributes: `"jsonPayload":{"message":"m","a":1}` }
  },
  {
    name: "journald, a message with colours in bytes",
    subject: "logs.journal",
    payload: {
      __REALTIME_TIMESTAMP: "1767323045123456",
      PRIORITY: "4",
      MESSAGE: [27, 91, 51, 109, 99, 97, 102, 195, 169]
    },
    row: { timestamp: micros, severity_text: "WARN", body: "\u001b[3mcaf\u00e9" }
  },
  {
    name: "Falco",
    subject: "logs.falco",
    payload: {
      hostname: "h",
      output: "03:04:05.1: Critical x",
      priority: "Critical",
      rule: "R",
      source: "syscall",
      time: "2026-01-02T03:04:05.123456789Z",
      output_fields: { "evt.time": 1 }
    },
    row: { timestamp: micros, severity_text: "FATAL", severity_number: 23, body: "03:04:05.1: Critical x" }
  },
  {
    name: "Java, a time with its zone (RFC 9557)",
    subject: "logs.app",
    payload: {
      timestamp: "2026-01-02T04:04:05.123456+01:00[Europe/Berlin][u-ca=iso8601]",
      level: "WARN",
      message: "m"
    },
    row: { timestamp: micros, severity_text: "WARN", body: "m" }
  },
  {
    name: "Erlang, a list of code points",
    subject: "logs.app",
    payload: { timestamp: isoMicros, level: "info", message: [99, 97, 102, 233] },
    row: { timestamp: micros, severity_text: "INFO", body: "caf\u00e9" }
  }
]

const events: ReadonlyArray<RealPayload> = [
  {
    name: "GELF of Docker",
    subject: "events.docker",
    payload:
      `{"version":"1.1","host":"node-1","short_message":"moi\\r","timestamp":1.767323045123e+09,"level":3,"_container_name":"web","_created":"2026-01-01T00:00:00.196020749Z","_tag":"e02acf37f963"}`,
    row: { time: millis, severity_id: 4, message: "moi\r", log_provider: "node-1" },
    within: { unmapped: `"_container_name":"web"` }
  },
  {
    name: "GELF of its specification",
    subject: "events.gelf",
    payload: {
      version: "1.1",
      host: "example.org",
      short_message: "A short message",
      full_message: "Backtrace here\n\nmore stuff",
      timestamp: 1_767_323_045.1234,
      level: 1,
      _user_id: 9001,
      _some_info: "foo"
    },
    row: { time: seconds + 123_400, severity_id: 5, message: "A short message", log_version: "1.1" },
    within: { unmapped: `"_user_id":9001` }
  },
  {
    name: "journald as an event",
    subject: "events.journal",
    payload: { __REALTIME_TIMESTAMP: String(micros), PRIORITY: "2", _HOSTNAME: "node-1", MESSAGE: "oom" },
    row: { time: micros, severity_id: 5, message: "oom", log_provider: "node-1" }
  },
  {
    name: "CloudEvents, the example with extensions",
    subject: "events.cloud",
    payload: {
      specversion: "1.0",
      type: "com.example.someevent",
      source: "/mycontext",
      subject: null,
      id: "C234-1234-1234",
      time: isoMicros,
      comexampleextension1: "value",
      comexampleothervalue: 5,
      datacontenttype: "application/json",
      data: { appinfoA: "abc", appinfoB: 123, appinfoC: true }
    },
    row: { time: micros, log_name: "events.cloud", log_provider: "/mycontext" },
    within: { unmapped: `"appinfoB":123`, raw_data: `"comexampleothervalue":5` }
  },
  {
    name: "CloudEvents, text as data",
    subject: "events.cloud",
    payload: { specversion: "1.0", type: "t", source: "/s", id: "1", time: isoMicros, data: "<much wow=\"xml\"/>" },
    row: { time: micros, message: "<much wow=\"xml\"/>" }
  },
  {
    name: "CloudEvents of Azure, seven digits of a second",
    subject: "events.cloud",
    payload: {
      specversion: "1.0",
      type: "Microsoft.Storage.BlobCreated",
      source: "/subscriptions/x",
      id: "9aeb0fdf",
      time: "2026-01-02T03:04:05.1234567Z",
      subject: "blobServices/default",
      data: { api: "PutBlockList", contentLength: 11_534_336 }
    },
    row: { time: micros, log_name: "blobServices/default" }
  },
  {
    name: "OCSF, a detection finding",
    subject: "events.ocsf",
    payload: {
      id: "0b9ff1f4-6e0c-4b44-9a5c-0a7d1f7b5f10",
      activity_id: 1,
      category_uid: 2,
      class_uid: 2004,
      type_uid: 200_401,
      severity_id: 99,
      time: 1_767_323_045_123,
      metadata: { version: "1.3.0", product: { name: "x" } },
      finding_info: { uid: "f", title: "t" }
    },
    row: { time: millis, class_uid: 2004, type_uid: 200_401, severity_id: 99, severity: "Other" },
    within: { raw_data: `"title":"t"` }
  },
  {
    name: "a trap of SNMPv2c over IPv6",
    subject: "snmp.traps",
    payload: {
      source: "[2001:db8::9]:162",
      version: "v2c",
      community: "public",
      varbinds: [{ oid: "1.3.6.1.2.1.1.3.0", value: "TIMETICKS: 12345" }, {
        oid: "1.3.6.1.6.3.1.1.4.1.0",
        value: "OBJECT IDENTIFIER: 1.3.6.1.6.3.1.1.5.3"
      }]
    },
    row: { severity_id: 1, message: "SNMP trap received" },
    within: { src_endpoint: `"ip":"2001:db8::9"`, unmapped: "1.3.6.1.6.3.1.1.5.3" }
  }
]

const flows: ReadonlyArray<RealPayload> = [
  {
    name: "goflow2, the first version",
    subject: "flows.raw",
    payload: {
      Type: "SFLOW_5",
      TimeFlowEnd: 1_767_323_045,
      TimeFlowStart: 1_767_323_044,
      TimeReceived: 1_767_323_045,
      Bytes: 70,
      Packets: 1,
      SamplingRate: 100,
      SamplerAddress: "192.168.1.254",
      DstAddr: "10.0.0.1",
      DstMac: "ff:ff:ff:ff:ff:ff",
      SrcAddr: "192.168.1.1",
      SrcMac: "0a:bb:cc:dd:ee:ff",
      InIf: 1,
      OutIf: 2,
      Etype: 2048,
      EtypeName: "IPv4",
      Proto: 6,
      ProtoName: "TCP",
      SrcPort: 443,
      DstPort: 46_344,
      TCPFlags: 16
    },
    row: {
      time: seconds,
      start_time: seconds - 1_000_000,
      src_endpoint_ip: "192.168.1.1",
      src_endpoint_port: 443,
      dst_endpoint_port: 46_344,
      protocol_num: 6,
      protocol_name: "TCP",
      tcp_flags: 16,
      bytes_total: 70n,
      packets_total: 1n,
      sampler_address: "192.168.1.254",
      src_mac: "0ABBCCDDEEFF"
    },
    within: { ocsf_payload: `"flow_source":"sFlow v5"` }
  },
  {
    name: "goflow2, the second version",
    subject: "flows.raw",
    payload:
      `{"type":"IPFIX","time_received_ns":1767323045787460121,"sequence_num":65361,"sampling_rate":0,"sampler_address":"192.168.88.1","time_flow_start_ns":1767323045000000000,"time_flow_end_ns":1767323045123456789,"bytes":143,"packets":1,"src_addr":"192.168.89.2","dst_addr":"192.168.88.30","etype":"IPv4","proto":"UDP","src_port":53,"dst_port":53,"in_if":11,"out_if":12,"src_mac":"42:61:64:55:53:42","src_vlan":0,"tcp_flags":0,"src_as":0,"dst_as":0,"next_hop":"0.0.0.0","src_net":"0.0.0.0/0","bgp_communities":[],"as_path":[]}`,
    row: {
      time: micros,
      start_time: seconds,
      protocol_num: 17,
      protocol_name: "UDP",
      tcp_flags: null,
      src_as_number: null,
      dst_service_label: "DNS"
    },
    within: { ocsf_payload: `"flow_source":"IPFIX"` }
  },
  {
    name: "goflow2, times as text",
    subject: "flows.raw",
    payload: {
      type: "NETFLOW_V9",
      time_received_ns: "2026-01-02T03:04:05.123456982Z",
      bytes: 52,
      packets: 1,
      src_addr: "10.8.31.235",
      dst_addr: "1.1.1.1",
      proto: "ICMPv6",
      flow_direction: 1
    },
    row: { time: micros, protocol_num: 58, protocol_name: "ICMPv6", direction_label: "egress" },
    within: { ocsf_payload: `"flow_source":"NetFlow v9"` }
  },
  {
    name: "pmacct",
    subject: "flows.raw.netflow",
    payload: {
      event_type: "purge",
      ip_src: "192.0.2.1",
      ip_dst: "192.0.2.2",
      port_src: 50_000,
      port_dst: 443,
      ip_proto: "tcp",
      as_src: 64_512,
      tcp_flags: "27",
      timestamp_end: "1767323045.123456",
      peer_ip_src: "192.0.2.254",
      packets: 3,
      bytes: 200
    },
    row: {
      time: micros,
      src_endpoint_ip: "192.0.2.1",
      src_endpoint_port: 50_000,
      dst_endpoint_ip: "192.0.2.2",
      dst_service_label: "HTTPS",
      protocol_name: "TCP",
      src_as_number: 64_512,
      tcp_flags: 27,
      sampler_address: "192.0.2.254",
      bytes_total: 200n
    }
  },
  {
    name: "VPC flow logs",
    subject: "flows.raw.netflow",
    payload: {
      version: 2,
      interface_id: "eni-1",
      srcaddr: "192.0.2.1",
      dstaddr: "192.0.2.2",
      srcport: 50_000,
      dstport: 53,
      protocol: 17,
      packets: 1,
      bytes: 5,
      start: 1_767_323_000,
      end: 1_767_323_045,
      action: "ACCEPT"
    },
    row: {
      time: seconds,
      src_endpoint_ip: "192.0.2.1",
      dst_endpoint_ip: "192.0.2.2",
      dst_endpoint_port: 53,
      protocol_name: "UDP",
      bytes_total: 5n
    },
    within: { ocsf_payload: `"interface_id":"eni-1","action":"ACCEPT"` }
  },
  {
    name: "nfdump, and flags in a list",
    subject: "flows.raw.netflow",
    payload: {
      type: "FLOW",
      last: "2026-01-02T03:04:05.123Z",
      in_packets: 3,
      in_bytes: 200,
      proto: 6,
      tcp_flags: ["SYN", "ACK"],
      src6_addr: "2001:db8::1",
      dst6_addr: "2001:db8::2"
    },
    row: {
      time: millis,
      src_endpoint_ip: "2001:db8::1",
      dst_endpoint_ip: "2001:db8::2",
      tcp_flags: 18,
      bytes_total: 200n,
      packets_total: 3n
    }
  },
  {
    name: "goflow2, ARP",
    subject: "flows.raw",
    payload: {
      type: "SFLOW_5",
      time_received_ns: 1_767_323_045_123,
      bytes: 64,
      packets: 1,
      src_addr: "",
      etype: "ARP"
    },
    row: { src_endpoint_ip: null, dst_endpoint_ip: null, bytes_total: 64n }
  },
  {
    name: "VPC flow in OCSF",
    subject: "flows.ocsf",
    payload: {
      class_uid: 4001,
      time: 1_767_323_045_123,
      start_time: 1_767_323_044_000,
      src_endpoint: { ip: "172.31.2.52", port: 39_938 },
      dst_endpoint: { ip: "172.31.2.53", port: 443 },
      connection_info: { protocol_num: 6, tcp_flags: 19, direction: "Inbound" },
      traffic: { bytes: 4_500_000_000, packets: 3 }
    },
    row: {
      time: millis,
      start_time: seconds - 1_000_000,
      dst_endpoint_port: 443,
      bytes_total: 4_500_000_000n,
      tcp_flags_labels: ["ACK", "SYN", "FIN"],
      direction_label: "ingress",
      dst_service_label: "HTTPS"
    }
  }
]

const attribute = (key: string, value: object) => ({ key, value })
const resource = { attributes: [attribute("service.name", { stringValue: "my.service" })] }
const scope = { name: "my.library", version: "1.0.0", attributes: [attribute("a", { stringValue: "b" })] }

const otlp: ReadonlyArray<RealPayload> = [
  {
    name: "OTLP's example of a log, nanoseconds bare",
    subject: "otel.logs",
    payload: JSON.stringify({
      resourceLogs: [{
        resource,
        scopeLogs: [{
          scope,
          logRecords: [{
            timeUnixNano: "@",
            observedTimeUnixNano: "@",
            severityText: "Information",
            traceId: "5B8EFFF798038103D269B633813FC60C",
            spanId: "EEE19B7EC3C1B174",
            body: { stringValue: "Example log record" },
            attributes: [
              attribute("string.attribute", { stringValue: "some string" }),
              attribute("int.attribute", { intValue: 10 }),
              attribute("double.attribute", { doubleValue: 637.704 }),
              attribute("array.attribute", { arrayValue: { values: [{ stringValue: "many" }] } }),
              attribute("map.attribute", { kvlistValue: { values: [attribute("k", { boolValue: true })] } })
            ]
          }]
        }]
      }]
    }).replaceAll("\"@\"", "1767323045123456789"),
    row: {
      timestamp: micros,
      observed_timestamp: micros,
      severity_text: "Information",
      severity_number: null,
      trace_id: "5b8efff798038103d269b633813fc60c",
      span_id: "eee19b7ec3c1b174",
      body: "Example log record",
      service_name: "my.service",
      scope_name: "my.library",
      attributes:
        `{"string.attribute":"some string","int.attribute":10,"double.attribute":637.704,"array.attribute":["many"],"map.attribute":{"k":true}}`
    }
  },
  {
    name: "OTLP's example of an event",
    subject: "otel.logs",
    payload: {
      resourceLogs: [{
        resource,
        scopeLogs: [{
          logRecords: [{
            timeUnixNano: "1767323045123456789",
            severityNumber: 9,
            eventName: "browser.page_view",
            body: { kvlistValue: { values: [attribute("type", { intValue: "0" })] } }
          }]
        }]
      }]
    },
    row: { timestamp: micros, event_name: "browser.page_view", severity_number: 9, body: `{"type":0}` }
  },
  {
    name: "OTLP's example of a span",
    subject: "otel.traces",
    payload: {
      resourceSpans: [{
        resource,
        scopeSpans: [{
          scope,
          spans: [{
            traceId: "5B8EFFF798038103D269B633813FC60C",
            spanId: "EEE19B7EC3C1B174",
            parentSpanId: "EEE19B7EC3C1B173",
            name: "I'm a server span",
            startTimeUnixNano: "1767323045123456789",
            endTimeUnixNano: "1767323045223456789",
            kind: "SPAN_KIND_SERVER",
            status: { code: "STATUS_CODE_ERROR", message: "no" }
          }]
        }]
      }]
    },
    row: {
      timestamp: micros,
      start_time_unix_nano: 1_767_323_045_123_456_789n,
      end_time_unix_nano: 1_767_323_045_223_456_789n,
      trace_id: "5b8efff798038103d269b633813fc60c",
      parent_span_id: "eee19b7ec3c1b173",
      kind: 2,
      status_code: 2,
      status_message: "no"
    }
  },
  {
    name: "OTLP's example of metrics",
    subject: "otel.metrics",
    payload: {
      resourceMetrics: [{
        resource,
        scopeMetrics: [{
          scope,
          metrics: [{
            name: "my.histogram",
            unit: "1",
            histogram: {
              aggregationTemporality: 1,
              dataPoints: [{
                timeUnixNano: "1767323045123456789",
                count: 3,
                sum: 3.5,
                bucketCounts: [1, 1, 1],
                explicitBounds: [1],
                min: 1,
                max: 1
              }]
            }
          }]
        }]
      }]
    },
    row: { timestamp: micros, span_name: "my.histogram", metric_type: "histogram", duration_ms: 3.5, unit: "1" }
  },
  {
    name: "OTLP, a counter of 64 bits, quoted",
    subject: "otel.metrics",
    payload: {
      resource_metrics: [{
        scope_metrics: [{
          metrics: [{ name: "c", sum: { data_points: [{ time_unix_nano: "1767323045123456789", as_int: "5" }] } }]
        }]
      }]
    },
    row: { timestamp: micros, span_name: "c", metric_type: "sum", duration_ms: 5, duration_seconds: 0.005 }
  }
]

export const realPayloads: ReadonlyArray<RealPayload> = [...realLogs, ...events, ...flows, ...otlp]
