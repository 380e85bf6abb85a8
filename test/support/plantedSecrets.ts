/** Secrets that tests plant, and what finds them again: as they are, in addresses, and in base64. */
import * as crypto from "node:crypto"

export interface PlantedSecrets {
  /** The secret of this place, the same at each call. */
  readonly at: (place: string) => string
  /** The places whose secrets are in the text. */
  readonly foundIn: (text: string) => ReadonlyArray<string>
  /** What stands around it there. */
  readonly around: (place: string, text: string) => string
}

/** What is the same in base64 wherever the secret begins in a longer text. */
const base64Forms = (secret: string): ReadonlyArray<string> =>
  [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${"x".repeat(shift)}${secret}`).toString("base64").replace(/=+$/, "")
    return text.slice(shift === 0 ? 0 : 4, -4)
  })

/** Letters and digits only, so that no escaping changes them. */
export const make = (): PlantedSecrets => {
  const run = crypto.randomBytes(6).toString("hex")
  const planted = new Map<string, string>()
  return {
    at: (place) => {
      const known = planted.get(place)
      if (known !== undefined) return known
      const secret = `planted${planted.size}x${run}x${crypto.randomBytes(6).toString("hex")}`
      planted.set(place, secret)
      return secret
    },
    foundIn: (text) =>
      [...planted].filter(([, secret]) =>
        text.includes(secret) ||
        base64Forms(secret).some((form) =>
          text.includes(form) || text.includes(form.replaceAll("+", "-").replaceAll("/", "_"))
        )
      ).map(([place]) => place),
    around: (place, text) => {
      const at = text.indexOf(planted.get(place) ?? "")
      return at === -1 ? "in base64" : text.slice(Math.max(0, at - 200), at + 100)
    }
  }
}
