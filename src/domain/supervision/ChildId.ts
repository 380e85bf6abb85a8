/**
 * What may name a child: ids are joined to paths by `/`, and paths are printed, one line each.
 */

/** Longer ids make paths, metric labels and log lines unreadable. */
export const lengthMax = 1000

/** What would tear a path or a line apart: the separator, control characters and halves of characters. */
const unfit = /[/\p{Cc}\p{Cs}]/u

export const isValid = (id: unknown): id is string =>
  typeof id === "string" && id.trim() !== "" && id.length <= lengthMax && !unfit.test(id)

export const expectation = `a name of at most ${lengthMax} characters, without / and control characters`

/** An id for a name that somebody else gave: `/` becomes `%2F`, and so on. Different names give different ids. */
export const fromName = (name: string): string =>
  name.replaceAll(
    /[%/\p{Cc}\p{Cs}]/gu,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
  )
