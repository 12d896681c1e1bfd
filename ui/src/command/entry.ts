// From what an operator typed to a value that can be sent, and what to say about it before it is.
//
// The page warns and the site refuses: limits are checked where the command is committed, once, for every client. It knows nothing of
// the form that the text was typed into.

import { create } from '@bufbuild/protobuf';
import { formatBound, formatDelta, formatNumber, formatUnit } from '../format/number';
import { Access, type Limits } from '../gen/labkeeper/v1/site_pb.js';
import type { TagReading } from '../gen/labkeeper/v1/tag_pb.js';
import { type Value, ValueSchema } from '../gen/labkeeper/v1/value_pb.js';
import { numberOf } from '../data/store';

export type Entry = { value: Value; problem: '' } | { value: undefined; problem: string };

/** Whether a tag has setpoints at all. */
export function isWritable({ access }: TagReading): boolean {
  return access === Access.READ_WRITE || access === Access.WRITE;
}

/** What the tag's declared type makes of a text. */
export function parseEntry(text: string, type: string): Entry {
  const trimmed = text.trim();
  if (type.startsWith('string')) return { value: valueOf({ case: 'text', value: text }), problem: '' };
  if (trimmed === '') return { value: undefined, problem: 'Type a value.' };
  if (type === 'bool') return parseBoolean(trimmed);
  if (/^[+-]?\d+,\d+$/.test(trimmed)) return { value: undefined, problem: 'Use a point for decimals, not a comma.' };
  // Not everything that `Number` reads is meant as one: '0x10', 'Infinity'.
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return { value: undefined, problem: 'This is not a number.' };
  const number = Number(trimmed);
  if (!Number.isFinite(number)) return { value: undefined, problem: 'This is beyond any number that can be sent.' };
  return { value: wholeOrReal(trimmed, number, type), problem: '' };
}

/** What the operator should know before sending: empty if nothing. */
export function warningOf(value: Value, limits: Limits | undefined, unit: string): string {
  const number = numberOf(value);
  if (!limits || Number.isNaN(number) || (number >= limits.min && number <= limits.max)) return '';
  return `Outside ${formatRange(limits, unit)}: the site will refuse it.`;
}

/** "5 to 40 °C". */
export function formatRange({ min, max }: Limits, unit: string): string {
  return `${formatBound(min)} to ${formatBound(max)} ${formatUnit(unit)}`.trim();
}

/** The step from one value to another with its sign, "+0.300"; empty where there is none to speak of. */
export function deltaOf(from: Value | undefined, to: Value): string {
  const delta = numberOf(to) - numberOf(from);
  return Number.isNaN(delta) || to.kind.case === 'boolean' ? '' : formatDelta(delta);
}

/** A value as it is shown; an em dash for none. */
export function formatValue(value: Value | undefined): string {
  switch (value?.kind.case) {
    case 'boolean':
      return value.kind.value ? 'on' : 'off';
    case 'integer':
    case 'unsigned':
      return String(value.kind.value);
    case 'number':
      return formatNumber(value.kind.value);
    case 'text':
      return value.kind.value;
    default:
      return '—';
  }
}

function parseBoolean(text: string): Entry {
  const known = new Map([
    ['on', true],
    ['true', true],
    ['1', true],
    ['off', false],
    ['false', false],
    ['0', false],
  ]).get(text.toLowerCase());
  return known === undefined
    ? { value: undefined, problem: 'Type on or off.' }
    : { value: valueOf({ case: 'boolean', value: known }), problem: '' };
}

/** Whole numbers of integer registers keep all their digits; scaled registers take reals too. */
function wholeOrReal(text: string, number: number, type: string): Value {
  const whole = /^[+-]?\d+$/.test(text);
  if (whole && type.startsWith('u') && number >= 0) return valueOf({ case: 'unsigned', value: BigInt(text.replace('+', '')) });
  if (whole && type.startsWith('i')) return valueOf({ case: 'integer', value: BigInt(text.replace('+', '')) });
  return valueOf({ case: 'number', value: number });
}

function valueOf(kind: Value['kind']): Value {
  const value = create(ValueSchema);
  value.kind = kind;
  return value;
}
