// UUID version 7: a command's identity, made where the command is made, so that a retry is the same command.
//
// `crypto.randomUUID` is absent on plain HTTP to another host, and makes version 4; these sort by time.

/** A new id for a command made at `unixMs` (UTC, ms since 1970), from ten random bytes. */
export function uuidV7(unixMs: number, random: Uint8Array = crypto.getRandomValues(new Uint8Array(10))): string {
  const time = Math.floor(unixMs).toString(16).padStart(12, '0').slice(-12);
  const bytes = [...random];
  // Version 7 in the upper half of byte 6, variant 2 in the upper quarter of byte 8.
  bytes[0] = 0x70 | ((bytes[0] ?? 0) & 0x0f);
  bytes[2] = 0x80 | ((bytes[2] ?? 0) & 0x3f);
  const hex = time + bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
