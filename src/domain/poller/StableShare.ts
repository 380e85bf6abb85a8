/** Where a name lies between 0 and 1: the same in every process and release, spread evenly, whatever other names there are. */

/** FNV-1a, mixed once more because names that differ in the last digit only would lie side by side. */
export const shareOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}
