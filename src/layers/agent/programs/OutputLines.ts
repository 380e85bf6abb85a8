/**
 * What a program prints, line by line, with bounds: a line has at most `charsMax` characters, and of more than `linesMax`
 * lines in a window the rest are counted only.
 */
const charsMax = 2_000
const linesMax = 100
const windowMillis = 10_000

export interface OutputLines {
  readonly add: (part: Buffer) => void
  /** The last line may lack its end. */
  readonly end: () => void
}

/** Control characters would let a program write into an operator's terminal what it likes. */
const printable = (line: string): string => line.replaceAll(/[^\P{Cc}\t]/gu, "�")

export const make = (tell: (line: string) => void, now: () => number): OutputLines => {
  const decoder = new TextDecoder()
  let rest = ""
  let isCut = false
  let beganMillis = Number.NEGATIVE_INFINITY
  let told = 0
  let lost = 0

  const turn = () => {
    if (now() - beganMillis < windowMillis) return
    if (lost > 0) tell(`(and ${lost} more lines within ${windowMillis / 1000} s, which are not shown)`)
    beganMillis = now()
    told = 0
    lost = 0
  }
  const line = (text: string) => {
    turn()
    if (told >= linesMax) {
      lost += 1
      return
    }
    told += 1
    tell(printable(text.trimEnd()))
  }
  const take = (text: string) => {
    const room = charsMax - rest.length
    if (text.length > room) isCut = true
    rest += text.slice(0, Math.max(0, room))
  }
  const finish = () => {
    if (rest !== "") line(isCut ? `${rest}…` : rest)
    rest = ""
    isCut = false
  }
  return {
    add: (part) => {
      const [first = "", ...others] = decoder.decode(part, { stream: true }).split("\n")
      take(first)
      for (const next of others) {
        finish()
        take(next)
      }
    },
    end: () => {
      finish()
      beganMillis = Number.NEGATIVE_INFINITY
      turn()
    }
  }
}
