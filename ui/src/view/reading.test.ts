import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { begin, edit } from '../command/flow';
import { TagStore } from '../data/store';
import { CommandState } from '../gen/labkeeper/v1/command_pb.js';
import { ReconcileOutcome, TagHoldReason, type TagReading, TagReadingSchema } from '../gen/labkeeper/v1/tag_pb.js';
import { Quality } from '../gen/labkeeper/v1/value_pb.js';
import { noticesOfTag, showReading, showSetpoint } from './reading';

const AT = Date.UTC(2026, 10, 22, 16, 24, 5);
const tag = (kind: object, quality: Quality, more: Partial<TagReading> = {}) =>
  create(TagReadingSchema, {
    tag: 'a/b/c',
    type: 'f32',
    unit: 'degC',
    pollMs: 100n,
    ...more,
    sample: { timeUnixNs: BigInt(AT) * 1_000_000n, quality, value: { kind } },
  } as never);

function shown(reading: TagReading, afterMs: number) {
  const store = new TagStore();
  store.load([reading]);
  return showReading(store, 0, AT + afterMs);
}

describe('a row', () => {
  const number = { case: 'number', value: 21.374 };
  it('is quiet when the value is good', () => {
    expect(shown(tag(number, Quality.GOOD), 120)).toEqual({
      value: '21.37',
      unit: '°C',
      trust: 'good',
      glyph: '',
      quality: 'Good',
      age: '< 1 s',
      hint: '',
    });
  });
  it('shows a stale value with its age', () => {
    expect(shown(tag(number, Quality.GOOD), 14_000)).toMatchObject({ value: '21.37', trust: 'stale', quality: 'Stale', age: '14 s' });
  });
  it('strikes a bad value out, and keeps the last one for the hint', () => {
    expect(shown(tag(number, Quality.BAD_TIMEOUT), 500)).toMatchObject({
      value: '—',
      trust: 'bad',
      glyph: '?',
      quality: 'No answer',
      hint: 'No answer. Last: 21.37 °C at 16:24:05 UTC',
    });
  });
  it('says that nothing was read yet', () => {
    expect(shown(create(TagReadingSchema, { tag: 'a/b/c' }), 0)).toMatchObject({ value: '—', trust: 'bad', age: '—', hint: 'No reading' });
  });
  it('reads booleans, integers and texts as what they are', () => {
    expect(shown(tag({ case: 'boolean', value: true }, Quality.GOOD, { type: 'bool', unit: '' }), 0).value).toBe('on');
    expect(shown(tag({ case: 'unsigned', value: 12_000n }, Quality.GOOD, { type: 'u16' }), 0).value).toBe('12\u2009000');
    expect(shown(tag(number, Quality.GOOD, { type: 'i16' }), 0).value).toBe('21.37');
    expect(shown(tag({ case: 'text', value: 'idle' }, Quality.GOOD, { type: 'string(8)' }), 0).value).toBe('idle');
  });
});

describe('a setpoint', () => {
  const withState = (state: CommandState) =>
    tag({}, Quality.GOOD, { setpoint: { value: { kind: { case: 'number', value: 22.5 } }, state } as never });
  it('says how far it has got', () => {
    expect(showSetpoint(withState(CommandState.VERIFIED), undefined)).toEqual({ value: '22.50', state: 'verified', kind: 'settled' });
    expect(showSetpoint(withState(CommandState.COMMITTED), undefined).kind).toBe('moving');
    expect(showSetpoint(withState(CommandState.UNKNOWN), undefined)).toMatchObject({ state: 'unknown', kind: 'failed' });
    expect(showSetpoint(tag({}, Quality.GOOD), undefined).kind).toBe('none');
  });
  it('says what a takeover changed about it, the hold before the drift', () => {
    const drift = { outcome: ReconcileOutcome.ADOPTED, actual: { kind: { case: 'number', value: 20 } } } as never;
    const drifting = { ...withState(CommandState.VERIFIED), drift };
    expect(showSetpoint(drifting, undefined)).toEqual({ value: '22.50', state: 'drifts', kind: 'drifting' });
    expect(noticesOfTag(drifting)).toEqual(['The device had 20.00 °C at the takeover: it was left as it is.']);
    const held = { ...drifting, hold: { reason: TagHoldReason.DANGEROUS } as never };
    expect(showSetpoint(held, undefined)).toEqual({ value: '22.50', state: 'held', kind: 'held' });
    expect(noticesOfTag(held)[0]).toBe(
      'Held since a takeover: it takes no setpoints. It is dangerous, and only the lease keeps a lost node’s late write away. ' +
        'Look, then: labkeeper cluster confirm a/b/c',
    );
    expect(noticesOfTag(held)).toHaveLength(2);
    expect(noticesOfTag(withState(CommandState.VERIFIED))).toEqual([]);
    const unread = { ...drifting, drift: { outcome: ReconcileOutcome.UNREADABLE } as never };
    expect(noticesOfTag(unread)).toEqual(['The device could not be read: nothing was written.']);
  });
  it('shows a draft as a draft', () => {
    const reading = withState(CommandState.VERIFIED);
    expect(showSetpoint(reading, edit(begin(reading), { text: '30' }))).toEqual({ value: '30', state: 'draft', kind: 'moving' });
  });
});
