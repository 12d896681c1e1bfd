// Setting one tag's setpoint, as far as the operator's hands are concerned. Pure.
//
//              begin             review               confirm              finished
//   (none) ----------> editing ----------> review ----------------> sent ----------> sent, final
//                         ^  \               |  back                                      |
//                         |   +---<----------+                                            |
//                         +------------------------------ begin --------------------------+
//
// Each tag has its own flow, so looking at another tag loses nothing that was typed. What is shown as the tag's value is never the
// wish: only the site says what was reached. It knows nothing of HTTP, of the DOM or of other tags.

import { create } from '@bufbuild/protobuf';
import {
  type Command,
  CommandState,
  type SetSetpointRequest,
  SetSetpointRequestSchema,
  WaitLevel,
} from '../gen/labkeeper/v1/command_pb.js';
import type { TagReading } from '../gen/labkeeper/v1/tag_pb.js';
import type { Value } from '../gen/labkeeper/v1/value_pb.js';
import { formatValue, parseEntry } from './entry';
import { isFinal, later } from './progress';

/** How long a command keeps its meaning, in ms: an election (1 s) and a takeover (2 s) three times over. It never executes later. */
export const DEADLINE_MS = 10_000;
/** How long a node may wait for the commit before it answers, in ms: an election's worth. The rest is followed. */
export const COMMIT_MS_MAX = 1_000;

export interface Trouble {
  code: string;
  message: string;
  remedy: string;
}

interface Draft {
  tag: string;
  type: string;
  text: string;
  reason: string;
  /** The setpoint that the operator saw when they began: another one meanwhile is a conflict. */
  seen: { value: Value | undefined; revision: bigint };
}

export type Flow =
  | ({ stage: 'editing'; problem: string } & Draft)
  | ({ stage: 'review'; value: Value } & Draft)
  | {
      stage: 'sent';
      tag: string;
      from: Value | undefined;
      request: SetSetpointRequest;
      /** When the operator confirmed, by the site's clock: UTC, ms. */
      requestedMs: number;
      command: Command | undefined;
      /** Why nothing is known beyond `command`: no node answered, or none took it. */
      trouble: Trouble | undefined;
      /** Whether nothing more will be learnt. */
      over: boolean;
    };

/** A fresh draft, which starts from the present setpoint. */
export function begin({ tag, type, setpoint }: TagReading): Flow {
  const seen = { value: setpoint?.value, revision: setpoint?.revision ?? 0n };
  return { stage: 'editing', tag, type, text: setpoint?.value ? editable(setpoint.value) : '', reason: '', seen, problem: '' };
}

/** The operator types. */
export function edit(flow: Flow, change: { text?: string; reason?: string }): Flow {
  return flow.stage === 'editing' ? { ...flow, ...change, problem: '' } : flow;
}

/** Shows what would be sent, or what is wrong with it. */
export function review(flow: Flow): Flow {
  if (flow.stage !== 'editing') return flow;
  const { problem: _, ...draft } = flow;
  const entry = parseEntry(flow.text, flow.type);
  return entry.value ? { ...draft, stage: 'review', value: entry.value } : { ...flow, problem: entry.problem };
}

/** From the review to the draft, with what was typed. */
export function back(flow: Flow): Flow {
  if (flow.stage !== 'review') return flow;
  const { value: _, ...draft } = flow;
  return { ...draft, stage: 'editing', problem: '' };
}

/** The command that the operator confirmed. `siteMs` is the site's clock: UTC, ms. */
export function confirm(flow: Flow, by: { id: string; actor: string; siteMs: number }): Flow {
  if (flow.stage !== 'review') return flow;
  const request = create(SetSetpointRequestSchema, {
    id: by.id,
    tag: flow.tag,
    value: flow.value,
    expectedRevision: flow.seen.revision,
    deadlineUnixMs: BigInt(Math.round(by.siteMs) + DEADLINE_MS),
    wait: WaitLevel.COMMITTED,
    waitMsMax: COMMIT_MS_MAX,
    actor: by.actor,
    reason: flow.reason,
  });
  return {
    stage: 'sent',
    tag: flow.tag,
    from: flow.seen.value,
    request,
    requestedMs: by.siteMs,
    command: undefined,
    trouble: undefined,
    over: false,
  };
}

/** The site said something about a command; it may be another one. */
export function hear(flow: Flow, command: Command): Flow {
  if (flow.stage !== 'sent' || flow.request.id !== command.id) return flow;
  const known = later(flow.command, command);
  return { ...flow, command: known, trouble: undefined, over: isFinal(known.state) };
}

/** Nothing could be learnt; `over` if nothing will be. What is final stays so. */
export function fail(flow: Flow, id: string, trouble: Trouble, over: boolean): Flow {
  if (flow.stage !== 'sent' || flow.request.id !== id || flow.over) return flow;
  return { ...flow, trouble, over };
}

/** Whether the tag's setpoint is another one than the operator saw when they began. */
export function isOvertaken(flow: Flow, { setpoint }: TagReading): boolean {
  return flow.stage !== 'sent' && (setpoint?.revision ?? 0n) !== flow.seen.revision;
}

/** One sentence for those who do not see the steps; empty where there is nothing to say. */
export function announcement(flow: Flow): string {
  if (flow.stage !== 'sent') return '';
  const { command, trouble } = flow;
  const about = `Setpoint ${formatValue(flow.request.value)} of ${flow.tag}`;
  if (trouble) return `${about}: ${trouble.message}`;
  const said = command?.error ? `. ${command.error.code} ${command.error.message}` : '';
  return `${about}: ${STATES_SPOKEN[command?.state ?? CommandState.RECEIVED]}${said}`;
}

const STATES_SPOKEN: Record<CommandState, string> = {
  [CommandState.UNSPECIFIED]: 'requested',
  [CommandState.RECEIVED]: 'requested',
  [CommandState.VALIDATED]: 'requested',
  [CommandState.COMMITTED]: 'committed',
  [CommandState.DISPATCHED]: 'taken up by the owner',
  [CommandState.WRITTEN]: 'written to the device',
  [CommandState.VERIFIED]: 'verified',
  [CommandState.REJECTED]: 'rejected',
  [CommandState.EXPIRED]: 'expired, not written',
  [CommandState.SUPERSEDED]: 'superseded by a newer one',
  [CommandState.CANCELLED]: 'cancelled',
  [CommandState.FAILED]: 'failed',
  [CommandState.VERIFY_FAILED]: 'written, but not verified',
  [CommandState.UNKNOWN]: 'outcome unknown',
};

/** A value as it can be typed again: all its digits, with a plain minus. */
function editable(value: Value): string {
  return value.kind.case === 'number' ? String(value.kind.value) : formatValue(value);
}
