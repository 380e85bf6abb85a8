/** What the mappings take from a message, the same for all tests. */
import type { RowContext } from "../../../src/domain/events/stream/EventMessage.ts"

export const storedAtMicros = 1_767_323_045_678_000

export const context = (subject: string): RowContext => ({
  tenantId: "acme",
  subject,
  storedAtMicros,
  id: (index) => `id-${index}`
})
