/**
 * `serviceradar certs`: a CA for development, certificates of services, and what is in the files that are there.
 *
 * `show` and `verify` are for any certificates. Exit code 1 when `verify` finds one that a program would refuse.
 */
import { Console, Duration, Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as net from "node:net"
import * as HostName from "../../domain/monitoring/checks/HostName.ts"
import * as SpiffeId from "../../domain/security/SpiffeId.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as CertificateFolder from "../../layers/security/CertificateFolder.ts"
import * as CertificateReport from "../../layers/security/CertificateReport.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as TextTable from "../../layers/terminal/TextTable.ts"

const dir = Flag.String("dir").pipe(
  Flag.withDefault("certs"),
  Flag.withDescription("The folder of the certificates")
)

const days = (byDefault: number) =>
  Flag.Int("days").pipe(
    Flag.filter((count) => count > 0 && count <= 36_500, (count) => `1 to 36500 days, got ${count}`),
    Flag.withDefault(byDefault),
    Flag.withDescription(`How long it is valid; ${byDefault} days unless told`)
  )

const json = Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print JSON"))

const table = <Row>(columns: ReadonlyArray<TextTable.Column<Row>>, rows: ReadonlyArray<Row>) =>
  Console.log(
    TextTable.draw(columns, rows, {
      style: Style.forStream(process.stdout, process.env),
      columns: process.stdout.isTTY === true ? process.stdout.columns : 400
    }).join("\n")
  )

const tellFiles = (files: ReadonlyArray<string>) => Console.log(files.map((file) => `wrote ${file}`).join("\n"))

const init = Command.make(
  "init",
  { dir, days: days(3_650) },
  ({ days, dir }) => Effect.flatMap(CertificateFolder.init(dir, Duration.days(days)), tellFiles)
).pipe(
  Command.withDescription("Make a development CA: root.pem and root-key.pem")
)

/** `X-key` is no name: its certificate would take the place of the private key of `X`, for `root-key` that of the CA. */
const serviceName = /^(?!root$|.*-key$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

const name = Argument.String("name").pipe(
  Argument.withDescription("The service: agent, poller, core, sync, or another name"),
  Argument.filter(
    (text) => serviceName.test(text),
    (text) =>
      `a name of lower case letters, digits and dashes that is not "root" and does not end with "-key", got ${
        JSON.stringify(text)
      }`
  )
)

/** As a certificate names a host: also `*.example.org`, and an address without its zone. */
const isHost = (text: string): boolean =>
  (net.isIP(text) !== 0 && !text.includes("%")) || HostName.isHostName(text.replace(/^\*\./, ""))

const issue = Command.make("issue", {
  name,
  dir,
  days: days(365),
  host: Flag.String("host").pipe(
    Flag.map(HostName.toAscii),
    Flag.filter(isHost, (text) => `a host name or an IP address, got ${JSON.stringify(text)}`),
    Flag.atLeast(0),
    Flag.withDescription("A host name or an address that the service is dialled by; may be repeated")
  ),
  spiffeId: Flag.String("spiffe-id").pipe(
    Flag.filter(
      (text) => Option.isSome(SpiffeId.parse(text)),
      (text) => `an id such as spiffe://example.org/services/core, got ${JSON.stringify(text)}`
    ),
    Flag.optional,
    Flag.withDescription("Makes it an SVID")
  )
}, ({ days, dir, host, name, spiffeId }) =>
  Effect.flatMap(
    CertificateFolder.issue(dir, name, {
      hosts: host,
      life: Duration.days(days),
      spiffeId: Option.getOrUndefined(spiffeId)
    }),
    tellFiles
  )).pipe(
    Command.withDescription("Issue NAME.serviceradar: NAME.pem and NAME-key.pem, in place of those that are there")
  )

const yesNo = (value: boolean | null): string => value === null ? "-" : value ? "yes" : "no"

const show = Command.make("show", {
  file: Argument.String("file").pipe(Argument.withDescription("A PEM file with certificates")),
  json
}, ({ file, json }) =>
  Effect.gen(function*() {
    const found = yield* CertificateReport.show(file)
    if (json) return yield* Console.log(JSON.stringify(found, null, 2))
    yield* table([
      { title: "SUBJECT", text: ({ subject }) => subject, columnsMax: 60 },
      { title: "NAMES", text: ({ names }) => names.join(" "), columnsMax: 120 },
      { title: "EXPIRES", text: ({ notAfter }) => notAfter, columnsMax: 30 },
      { title: "KEY", text: ({ keyMatches }) => yesNo(keyMatches), columnsMax: 5 },
      { title: "CHAIN", text: ({ chains }) => yesNo(chains), columnsMax: 5 },
      { title: "ISSUER", text: ({ issuer }) => issuer, columnsMax: 60 }
    ], found)
  })).pipe(Command.withDescription("Show the certificates of a file: subject, names, expiry, key match and chain"))

const verify = Command.make("verify", {
  folder: Argument.String("folder").pipe(Argument.withDescription("The folder of the certificates")),
  json
}, ({ folder, json }) =>
  Effect.gen(function*() {
    const verdicts = yield* CertificateReport.verify(folder)
    if (json) yield* Console.log(JSON.stringify(verdicts, null, 2))
    else {
      yield* table([
        { title: "FILE", text: ({ file }) => file, columnsMax: 80 },
        { title: "NAME", text: ({ name }) => name, columnsMax: 60 },
        { title: "EXPIRES", text: ({ notAfter }) => notAfter, columnsMax: 30 },
        { title: "PROBLEM", text: ({ problem, warning }) => problem || warning, columnsMax: 200 }
      ], verdicts)
    }
    const refused = verdicts.filter(({ problem }) => problem !== "")
    if (refused.length > 0) {
      return yield* new NegativeAnswer({ answer: `${refused.length} certificates of ${folder} would be refused` })
    }
  })).pipe(
    Command.withDescription("Check every certificate of a folder as a program does; exit code 1 when one is refused")
  )

export const certsCommand = Command.make("certs").pipe(
  Command.withDescription("Make and check certificates"),
  Command.withSubcommands([init, issue, show, verify]),
  Command.withExamples([
    { command: "serviceradar certs init --dir certs", description: "A CA for development" },
    { command: "serviceradar certs issue poller --dir certs --host 10.0.0.5", description: "A poller's certificate" },
    { command: "serviceradar certs verify certs", description: "Would the programs take them?" }
  ])
)
