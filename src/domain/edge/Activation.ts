/** Whether what a package was made for has been heard of. */
import type { StatusReport } from "../monitoring/reports/StatusReport.ts"
import type { ComponentType } from "./EdgePackage.ts"

/** Who it is to others: `edge-7.poller.serviceradar` may what a poller may, see `CertificateIdentity`. */
export const commonNameOf = (componentId: unknown, componentType: unknown): string =>
  `${String(componentId)}.${String(componentType)}.serviceradar`

/** A package that was fetched. */
export interface Awaited {
  readonly id: string
  readonly componentId: string
  readonly componentType: ComponentType
  readonly parentId: string | null
  readonly pollerId: string
}

/** A report that core has stored. */
export interface Heard {
  readonly report: Pick<StatusReport, "pollerId" | "sourceIp"> & {
    readonly statuses: ReadonlyArray<Pick<StatusReport["statuses"][number], "agentId" | "serviceName" | "available">>
  }
  /** Whose certificate the report came with; none in plain text. */
  readonly peer: string | undefined
}

/**
 * A poller is heard of by its own report, with its own certificate where there is one: anybody could name itself so. An agent by what
 * its poller got from it, a checker by what its agent did. What could not be asked has not been heard of.
 */
export const isHeard = (
  { componentId, componentType, parentId, pollerId }: Awaited,
  { peer, report }: Heard
): boolean => {
  switch (componentType) {
    case "poller":
      return report.pollerId === componentId && (peer === undefined || peer === commonNameOf(componentId, "poller"))
    case "agent":
      return report.pollerId === pollerId &&
        report.statuses.some(({ agentId, available }) => available && agentId === componentId)
    case "checker":
      return report.statuses.some(({ agentId, available, serviceName }) =>
        available && agentId === parentId && serviceName === componentId
      )
  }
}
