/** Ids of traces and spans in text. All zero means that there is none, as W3C's trace context says. */

const zeros = /^[0\s-]*$/

/** None when the text is no id. */
export const given = (text: string | null): string | null =>
  // Nearly all ids are seen to be one by their first letter.
  text === null || (text.charCodeAt(0) < 0x31 && zeros.test(text)) || text === "" ? null : text
