// A command as four steps that an operator can follow:
//
//   Requested --> Committed --> Written --> Verified
//                     \            \            \
//                      refused      expired,     verify failed, unknown
//                                   failed, superseded
//
// The states come from the site (CommandState); this only says how far along each is. It knows nothing of how they are fetched.

import { type Command, CommandState } from '../gen/labkeeper/v1/command_pb.js';

export type Step = { name: string; state: 'done' | 'current' | 'waiting' | 'failed'; atMs: number | undefined; detail: string };

/** The steps, and the state of the tag's setpoint that each stands for. */
const STEPS = [
  { name: 'Requested', state: CommandState.RECEIVED },
  { name: 'Committed', state: CommandState.COMMITTED },
  { name: 'Written', state: CommandState.WRITTEN },
  { name: 'Verified', state: CommandState.VERIFIED },
] as const;

const NAMES: Record<CommandState, string> = {
  [CommandState.UNSPECIFIED]: 'requested',
  [CommandState.RECEIVED]: 'requested',
  [CommandState.VALIDATED]: 'requested',
  [CommandState.COMMITTED]: 'committed',
  [CommandState.DISPATCHED]: 'dispatched',
  [CommandState.WRITTEN]: 'written',
  [CommandState.VERIFIED]: 'verified',
  [CommandState.REJECTED]: 'rejected',
  [CommandState.EXPIRED]: 'expired',
  [CommandState.SUPERSEDED]: 'superseded',
  [CommandState.CANCELLED]: 'cancelled',
  [CommandState.FAILED]: 'failed',
  [CommandState.VERIFY_FAILED]: 'not verified',
  [CommandState.UNKNOWN]: 'unknown',
};

/** The state in one or two words. */
export function nameOf(state: CommandState): string {
  return NAMES[state] ?? 'unknown';
}

/** Whether nothing more will happen. */
export function isFinal(state: CommandState): boolean {
  return state >= CommandState.VERIFIED;
}

/** Whether it ended otherwise than asked. */
export function isFailure(state: CommandState): boolean {
  return state > CommandState.VERIFIED;
}

/** The four steps of a command; `requestedMs` is when this page asked (UTC, ms), if it did. */
export function stepsOf(command: Command, requestedMs: number | undefined): Step[] {
  const times = new Map(command.steps.map(({ state, timeUnixNs }) => [state, Number(timeUnixNs / 1_000_000n)]));
  const reached = reachedOf(command);
  const failed = isFailure(command.state);
  const steps: Step[] = STEPS.map(({ name, state }, i) => ({
    name,
    state: i <= reached ? 'done' : i === reached + 1 ? 'current' : 'waiting',
    atMs: times.get(state) ?? (i === 0 ? (requestedMs ?? times.get(CommandState.VALIDATED)) : undefined),
    detail: i <= reached || i === reached + 1 ? detailOf(command, state, i <= reached) : '',
  }));
  const next = steps[reached + 1];
  if (failed && next)
    Object.assign(next, {
      name: capitalised(nameOf(command.state)),
      state: 'failed',
      atMs: times.get(command.state),
      detail: command.error?.code ?? '',
    });
  return steps;
}

/** Of two reports about one command the one that knows more: states only ever go forward, but reports overtake one another. */
export function later(a: Command | undefined, b: Command): Command {
  if (!a) return b;
  if (isFinal(a.state) !== isFinal(b.state)) return isFinal(a.state) ? a : b;
  return b.state >= a.state ? b : a;
}

/** The index of the last step that was reached: a command can fail after any of them. */
function reachedOf(command: Command): number {
  const states = [command.state, ...command.steps.map((step) => step.state)].filter((state) => state <= CommandState.VERIFIED);
  const furthest = Math.max(CommandState.RECEIVED, ...states);
  return STEPS.findLastIndex((step) => step.state <= furthest);
}

function detailOf(command: Command, state: CommandState, done: boolean): string {
  if (state === CommandState.COMMITTED && done && command.logIndex > 0n) return `entry ${command.logIndex}`;
  if (state === CommandState.WRITTEN && command.owner) return done ? `by ${command.owner}` : `${command.owner} is at it`;
  return '';
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
