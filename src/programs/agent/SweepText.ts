/** A sweep on a terminal while it runs and when it is done, or as JSON for a script. */
import { isAvailable, type SweepFindings } from "../../domain/agent/sweep/SweepFindings.ts"
import * as SweepPlan from "../../domain/agent/sweep/SweepPlan.ts"
import * as Elapsed from "../../layers/terminal/Elapsed.ts"
import type * as Style from "../../layers/terminal/Style.ts"
import * as TextTable from "../../layers/terminal/TextTable.ts"

export interface Totals {
  readonly millis: number
  readonly refused: number
  readonly silent: number
  readonly unreachable: number
  /** The program that sent echo requests; empty where none were sent. */
  readonly icmpBy: string
}

interface Row {
  readonly host: string
  readonly roundTripNanos: number | undefined
  readonly open: ReadonlyArray<{ readonly port: number; readonly nanos: number }>
}

const barColumns = 30
const portsColumnsMax = 100

/** The hosts that answered. */
const rowsOf = (findings: SweepFindings): ReadonlyArray<Row> => {
  const rows: Array<Row> = []
  for (let block = 0; block < findings.plan.blocks; block++) {
    for (const { address, found } of findings.hostsOf(block)) {
      if (isAvailable(found)) rows.push({ host: address, roundTripNanos: found.ping?.nanos, open: found.open })
    }
  }
  return rows
}

/** One line, such as `████▌───  43 %  110/254 hosts  31 available`. */
export const progress = (findings: SweepFindings, style: Style.Style): string => {
  const share = findings.plan.hosts === 0 ? 1 : findings.hosts / findings.plan.hosts
  const full = Math.floor(share * barColumns)
  const bar = style.good("█".repeat(full)) + style.dim("─".repeat(barColumns - full))
  return `${bar} ${`${Math.floor(share * 100)}`.padStart(3)} %  ${findings.hosts}/${findings.plan.hosts} hosts  ` +
    `${findings.availableHosts} available`
}

export const summary = (findings: SweepFindings, { icmpBy, millis, refused, silent, unreachable }: Totals): string => {
  const open = findings.ports.reduce((sum, { available }) => sum + available, 0)
  const usesTcp = findings.plan.spans.some(({ modes }) => (modes & SweepPlan.tcp) !== 0)
  return [
    `${findings.availableHosts} of ${findings.hosts} hosts available in ${(millis / 1000).toFixed(1)} s`,
    ...(usesTcp
      ? [
        `ports: ${open} open, ${refused} closed, ${silent} silent` +
        (unreachable === 0 ? "" : `, ${unreachable} unreachable`)
      ]
      : []),
    ...(icmpBy === "" ? [] : [`echo requests by ${icmpBy}`])
  ].join("; ")
}

export const table = (
  findings: SweepFindings,
  totals: Totals,
  terminal: { readonly style: Style.Style; readonly columns: number }
): string => {
  const rows = rowsOf(findings)
  const lines = TextTable.draw<Row>(
    [
      { title: "HOST", text: ({ host }) => host, columnsMax: 40 },
      {
        title: "PING",
        text: ({ roundTripNanos }) => Elapsed.latency(roundTripNanos ?? 0),
        columnsMax: 10,
        isRight: true
      },
      {
        title: "OPEN PORTS",
        text: ({ open }) => open.length === 0 ? "-" : open.map(({ port }) => port).join(" "),
        columnsMax: portsColumnsMax
      }
    ],
    rows,
    terminal
  )
  return [...(rows.length === 0 ? [] : [...lines, ""]), summary(findings, totals)].join("\n")
}

export const json = (findings: SweepFindings, totals: Totals): string =>
  JSON.stringify({
    complete: findings.isComplete,
    total_hosts: findings.hosts,
    available_hosts: findings.availableHosts,
    duration_ms: Math.round(totals.millis),
    ports: findings.ports,
    closed: totals.refused,
    silent: totals.silent,
    unreachable: totals.unreachable,
    icmp_by: totals.icmpBy,
    hosts: rowsOf(findings).map(({ host, open, roundTripNanos }) => ({
      host,
      ...(roundTripNanos === undefined ? {} : { round_trip_ns: roundTripNanos }),
      open_ports: open.map(({ nanos, port }) => ({ port, response_time_ns: nanos }))
    }))
  })
