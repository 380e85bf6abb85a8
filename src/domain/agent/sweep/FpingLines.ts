/** What `fping -C 1 -q` prints of many hosts: a line each, `192.0.2.1 : 0.067`, or `192.0.2.1 : -` without a reply. */

export interface FpingLine {
  readonly address: string
  readonly nanos: number
}

const line = /^(\S+)\s+:\s+([0-9]+(?:\.[0-9]+)?)$/

/** The hosts that answered. */
export const answered = (output: string): ReadonlyArray<FpingLine> =>
  output.split("\n").flatMap((text) => {
    const [, address, millis] = line.exec(text.trim()) ?? []
    return address === undefined || millis === undefined
      ? []
      : [{ address, nanos: Math.round(Number(millis) * 1e6) }]
  })

/** Whether it got as far as asking: then there is a line for every host. */
export const isReport = (output: string): boolean => /^\S+\s+:\s+(?:-|[0-9.]+)\s*$/m.test(output)
