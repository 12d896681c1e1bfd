// What keeps the late write of a node that has lost a device away from it, in words: a ladder, the higher the safer.

const RUNGS: ReadonlyMap<string, string> = new Map([
  ['F0', 'Nothing keeps two writers apart.'],
  ['F1', 'The lease alone: a former owner stops by its own clock, except for a process that was frozen right before it sent.'],
  ['F2', 'The network lets only the owner through.'],
  ['F3', 'The device serves one connection at a time, so a new owner’s connection is the only one.'],
  ['F4', 'The owner holds a lock of the device, which ends with its connection. Some devices let others break it.'],
  ['F5', 'The device, or a gate before it, knows the owner by number and refuses writes of an earlier one.'],
]);

/** A rung in a sentence; empty for none. */
export function describeRung(rung: string): string {
  if (rung === '') return '';
  return `${rung}: ${RUNGS.get(rung) ?? 'a protection that this page does not know.'}`;
}
