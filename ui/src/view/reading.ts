// One row of the table in words: what a value is, how far it can be trusted, how old it is. Pure.

import { type Flow } from '../command/flow';
import { formatValue, isWritable } from '../command/entry';
import { isFailure, isFinal, nameOf } from '../command/progress';
import type { TagStore } from '../data/store';
import { formatInteger, formatNumber, formatUnit } from '../format/number';
import { GLYPHS, type Trust, trustOf } from '../format/quality';
import { formatAge, formatClock } from '../format/time';
import { ReconcileOutcome, TagHoldReason, type TagReading } from '../gen/labkeeper/v1/tag_pb.js';

export interface Shown {
  value: string;
  unit: string;
  trust: Trust;
  glyph: string;
  quality: string;
  age: string;
  /** The reason and the last good value, for a pointer that rests on the row. */
  hint: string;
}

/** Row `id` as of `nowMs` (the site's clock: UTC, ms). */
export function showReading(store: TagStore, id: number, nowMs: number): Shown {
  const reading = store.readings[id];
  const at = store.times[id] ?? 0;
  const { trust, text } = trustNow(store, id, nowMs);
  const last = formatSample(reading, store.values[id] ?? NaN, store.texts.get(id));
  // A bad value is struck out: what is not known must not be read.
  const value = trust === 'bad' ? '—' : last;
  return {
    value,
    unit: formatUnit(reading?.unit ?? ''),
    trust,
    glyph: GLYPHS[trust],
    quality: text,
    age: at === 0 ? '—' : formatAge(Math.max(0, nowMs - at)),
    hint: trust === 'good' ? '' : hintOf(text, last, formatUnit(reading?.unit ?? ''), at),
  };
}

/** How far row `id` can be trusted as of `nowMs`. */
export function trustNow(store: TagStore, id: number, nowMs: number): { trust: Trust; text: string } {
  const at = store.times[id] ?? 0;
  return trustOf(store.qualities[id] ?? 0, at === 0 ? 0 : nowMs - at, Number(store.readings[id]?.pollMs ?? 0n));
}

/** A setpoint in the table: its value, and how far it has got or what a takeover changed about it. */
export function showSetpoint(
  reading: TagReading,
  flow: Flow | undefined,
): { value: string; state: string; kind: 'settled' | 'moving' | 'failed' | 'held' | 'drifting' | 'none' } {
  const { setpoint } = reading;
  if (flow?.stage === 'editing' || flow?.stage === 'review') return { value: flow.text, state: 'draft', kind: 'moving' };
  const value = setpoint ? formatValue(setpoint.value) : '';
  if (reading.hold) return { value, state: 'held', kind: 'held' };
  if (reading.drift) return { value, state: 'drifts', kind: 'drifting' };
  if (!setpoint) return { value: '', state: isWritable(reading) ? 'not set' : '', kind: 'none' };
  const kind = isFailure(setpoint.state) ? 'failed' : isFinal(setpoint.state) ? 'settled' : 'moving';
  return { value, state: nameOf(setpoint.state), kind };
}

/** What a takeover changed about a setpoint and a person should know, in sentences. */
export function noticesOfTag({ tag, unit, hold, drift }: TagReading): string[] {
  const notices: string[] = [];
  if (hold) {
    const why = hold.reason === TagHoldReason.DANGEROUS ? 'It is dangerous, and only the lease keeps a lost node’s late write away.' : '';
    notices.push(`Held since a takeover: it takes no setpoints. ${why} Look, then: labkeeper cluster confirm ${tag}`.replace('  ', ' '));
  }
  if (drift) {
    const actual = `${formatValue(drift.actual)} ${formatUnit(unit)}`.trim();
    notices.push(
      `${drift.actual ? `The device had ${actual} at the takeover` : 'The device could not be read'}: ${OUTCOMES[drift.outcome]}.`,
    );
  }
  return notices;
}

const OUTCOMES: Record<ReconcileOutcome, string> = {
  [ReconcileOutcome.UNSPECIFIED]: 'what was done about it is not known',
  [ReconcileOutcome.MATCHES]: 'as it should be',
  [ReconcileOutcome.ADOPTED]: 'it was left as it is',
  [ReconcileOutcome.REASSERTED]: 'the setpoint was written again',
  [ReconcileOutcome.DRIVEN_SAFE]: 'it was driven to its safe value',
  [ReconcileOutcome.HELD]: 'nothing is written before a person confirms',
  [ReconcileOutcome.UNREADABLE]: 'nothing was written',
};

function formatSample(reading: TagReading | undefined, value: number, text: string | undefined): string {
  if (text !== undefined) return text;
  if (Number.isNaN(value)) return '—';
  if (reading?.type === 'bool') return value === 0 ? 'off' : 'on';
  return /^[iu]\d+$/.test(reading?.type ?? '') && Number.isInteger(value) ? formatInteger(value) : formatNumber(value);
}

function hintOf(text: string, last: string, unit: string, at: number): string {
  return at === 0 || last === '—' ? text : `${text}. Last: ${`${last} ${unit}`.trim()} at ${formatClock(at)} UTC`;
}
