// The latest commands, newest first, each once: what a node listed and what was heard since.

import type { Command } from '../gen/labkeeper/v1/command_pb.js';
import { later } from './progress';

/** The list with a report about one command in it. At most `max` are kept. */
export function heardOf(list: readonly Command[], command: Command, max: number): Command[] {
  const known = list.find(({ id }) => id === command.id);
  if (known) return list.map((each) => (each === known ? later(known, command) : each));
  return [command, ...list].slice(0, max);
}

/** What a node lists, with what was heard meanwhile. */
export function listed(list: readonly Command[], heard: readonly Command[], max: number): Command[] {
  const known = new Map(heard.map((command) => [command.id, command]));
  const merged = list.map((command) => later(known.get(command.id), command));
  const missing = heard.filter(({ id }) => !list.some((command) => command.id === id));
  return [...merged, ...missing].sort((a, b) => startOf(b) - startOf(a)).slice(0, max);
}

/** When the site first knew of a command: UTC, ms; 0 if it does not say. */
export function startOf({ steps }: Command): number {
  return steps.length === 0 ? 0 : Math.min(...steps.map(({ timeUnixNs }) => Number(timeUnixNs / 1_000_000n)));
}
