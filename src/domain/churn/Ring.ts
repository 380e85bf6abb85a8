/**
 * Those that came and have not gone yet, the first first; each can be taken out without a search.
 *
 * In place of a `Set` where members come and go with every call: V8 copies the table of a set after every few of them, and
 * a table that was replaced refers to the next one. Once one of these has become old, everything that was ever in those
 * after it stays until a long collection, the calls with all that they know.
 */
export interface Member<A> {
  readonly value: A
  before: Member<A> | undefined
  after: Member<A> | undefined
}

export class Ring<A> {
  #first: Member<A> | undefined
  #last: Member<A> | undefined

  get first(): Member<A> | undefined {
    return this.#first
  }

  add(value: A): Member<A> {
    const member: Member<A> = { value, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = member
    else this.#last.after = member
    this.#last = member
    return member
  }

  /** Of one that is gone already: nothing. */
  delete(member: Member<A>): void {
    const { after, before } = member
    if (before === undefined && this.#first !== member) return
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    member.before = undefined
    member.after = undefined
  }
}
