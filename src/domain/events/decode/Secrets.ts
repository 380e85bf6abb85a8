/**
 * What devices send along that opens them: SNMP communities, keys and passwords of SNMPv3. It is stored nowhere.
 *
 * By the name of the key, however it is spelled, and by the object's id where a trap carries it as a value.
 */
import * as Remembered from "../stream/Remembered.ts"

const names: ReadonlySet<string> = new Set([
  "community",
  "communityname",
  "communitystring",
  "readcommunity",
  "writecommunity",
  "rocommunity",
  "rwcommunity",
  "trapcommunity",
  ...["auth", "authentication", "priv", "privacy"].flatMap((kind) =>
    ["key", "password", "passphrase", "secret", "pass"].map((word) => kind + word)
  )
])

/** As the original does: it repeats the message with whatever the device wrote around it. */
const dropped: ReadonlySet<string> = new Set(["fullmessage"])

/**
 * `snmpTrapCommunity`, `snmpCommunityName` and the objects by which keys of SNMPv3 are changed, as numbers or by name.
 */
const objects =
  /^\.?(?:iso\.|1\.)3\.6\.1\.6\.3\.(?:18\.1\.4|18\.1\.1\.1\.2|15\.1\.2\.2\.1\.(?:6|7|9|10))(?:\.|$)|snmp(?:Trap)?Community(?:Name)?\b|usmUser(?:Own)?(?:Auth|Priv)KeyChange\b/i

const mayBeObject = /\.6\.3\.1[58]\.|snmp|usm/i

const isSecretObject = (name: unknown): boolean =>
  typeof name === "string" && mayBeObject.test(name) && objects.test(name)

/** Routes have communities, too, which open nothing. */
const isManyOfSnmp = (bare: string): boolean => bare.startsWith("snmp") && bare.endsWith("communities")

const answer = Remembered.make((key): { readonly isSecret: boolean } => {
  const bare = key.toLowerCase().replace(/[^a-z0-9]/g, "")
  const name = bare.replace(/^(?:snmp|usm)(?:v?[123]c?)?/, "")
  return { isSecret: names.has(name) || dropped.has(bare) || isManyOfSnmp(bare) || isSecretObject(key) }
})

export const isSecretKey = (key: string): boolean => answer(key).isSecret

/** Whether a text may have such a key or object in it: decides whether it is worth looking. */
export const isSuspect = (text: string): boolean => suspicious.test(text)

/** A letter may also be escaped. */
const suspicious = /communit|auth|priv|full.?message|3\.6\.1\.6\.3\.1[58]\.|\\u00[4-7]/i

const objectKey = /^(?:oid|name|object(?:_?(?:id|name))?)$/i
const valueKey = /^(?:(?:raw|hex|string)_?)?(?:value|val)$/i

/** Whether an object in JSON is a variable of a trap that holds such a value: `{"oid": …, "value": …}`. */
export const isSecretVariable = (object: { readonly [key: string]: unknown }): boolean =>
  Object.keys(object).some((key) => objectKey.test(key) && isSecretObject(object[key]))

/** Whether a member of such a variable is what it holds. */
export const isValueKey = (key: string): boolean => valueKey.test(key)

/** Whether an array is such a variable: its object, perhaps its type, and its value. */
export const isSecretTuple = (items: ReadonlyArray<unknown>): boolean =>
  (items.length === 2 || items.length === 3) && isSecretObject(items[0]) && !isObjectId(items.at(-1))

const isObjectId = (value: unknown): boolean => typeof value === "string" && /^\.?(?:iso|\d+)(?:\.\d+){3,}$/.test(value)
