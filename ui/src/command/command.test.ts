import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { Refusal, Unreachable } from '../api/nodes';
import { type Command, CommandSchema, CommandState, SetSetpointRequestSchema } from '../gen/labkeeper/v1/command_pb.js';
import { Access } from '../gen/labkeeper/v1/site_pb.js';
import { TagReadingSchema } from '../gen/labkeeper/v1/tag_pb.js';
import { type Carrier, carryThrough } from './carry';
import { deltaOf, formatValue, parseEntry, warningOf } from './entry';
import { announcement, back, begin, confirm, edit, fail, type Flow, hear, isOvertaken, review } from './flow';
import { isFinal, later, stepsOf } from './progress';
import { heardOf, listed } from './recent';
import { uuidV7 } from './uuid';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const number = (value: number) => ({ kind: { case: 'number' as const, value } });
const at = (state: CommandState, ms: number) => ({ state, timeUnixNs: BigInt(ms) * 1_000_000n });
const command = (state: CommandState, more: MessageInitShape<typeof CommandSchema> = {}) =>
  create(CommandSchema, { ...more, id: ID, state });
const reading = (revision = 4n) =>
  create(TagReadingSchema, {
    tag: 'cryo/chiller-1/temperature_setpoint',
    type: 'f32',
    access: Access.READ_WRITE,
    setpoint: { value: number(20), revision, state: CommandState.VERIFIED },
  });

describe('an id', () => {
  it('is a UUID of version 7 that carries its time', () => {
    expect(uuidV7(0x0189_0a5d_ac96, new Uint8Array(10).fill(0xff))).toBe('01890a5d-ac96-7fff-bfff-ffffffffffff');
    expect(uuidV7(1, new Uint8Array(10))).toBe('00000000-0001-7000-8000-000000000000');
    expect(uuidV7(Date.now())).not.toBe(uuidV7(Date.now()));
  });
});

describe('an entry', () => {
  const check = (text: string, type: string, shown: string) => {
    const entry = parseEntry(text, type);
    expect(entry.value ? `${entry.value.kind.case} ${formatValue(entry.value)}` : entry.problem).toBe(shown);
  };
  it('becomes a value of the tag’s kind', () => {
    check(' 4.5 ', 'f32', 'number 4.500');
    check('-1.5e-3', 'f32', 'number −1.50e−3');
    check('7', 'i16', 'integer 7');
    check('7', 'u16', 'unsigned 7');
    check('-7', 'u16', 'number −7.000');
    check('7.5', 'u16', 'number 7.500');
    check('18446744073709551615', 'u64', 'unsigned 18446744073709551615');
    check('On', 'bool', 'boolean on');
    check('0', 'bool', 'boolean off');
    check(' run ', 'string(12)', 'text  run ');
  });
  it('that is none says why', () => {
    check('', 'f32', 'Type a value.');
    check('4,5', 'f32', 'Use a point for decimals, not a comma.');
    check('0x10', 'f32', 'This is not a number.');
    check('Infinity', 'f32', 'This is not a number.');
    check('1e999', 'f32', 'This is beyond any number that can be sent.');
    check('2', 'bool', 'Type on or off.');
  });
  it('outside the limits is warned about, not refused', () => {
    const warn = (text: string) => warningOf(parseEntry(text, 'f32').value!, { min: 5, max: 40 } as never, 'degC');
    expect([warn('5'), warn('40')]).toEqual(['', '']);
    expect(warn('40.1')).toBe('Outside 5 to 40 °C: the site will refuse it.');
  });
  it('shows the step from the present setpoint', () => {
    const delta = (from: string, to: string, type = 'f32') => deltaOf(parseEntry(from, type).value, parseEntry(to, type).value!);
    expect([delta('20', '22.5'), delta('on', 'off', 'bool'), delta('', '1')]).toEqual(['+2.500', '', '']);
  });
});

describe('the flow', () => {
  const reviewed = () => review(edit(begin(reading()), { text: '22.5', reason: 'warm-up' }));
  const sent = () => confirm(reviewed(), { id: ID, actor: 'mia', siteMs: 1_000.4 });

  it('sends what was reviewed, bound to the setpoint that was seen', () => {
    const flow = sent();
    expect(flow.stage === 'sent' && flow.request).toMatchObject({
      id: ID,
      tag: 'cryo/chiller-1/temperature_setpoint',
      value: number(22.5),
      expectedRevision: 4n,
      deadlineUnixMs: 11_000n,
      actor: 'mia',
      reason: 'warm-up',
    });
  });
  it('sends nothing that was not reviewed', () => {
    const draft = edit(begin(reading()), { text: '22.5' });
    expect(confirm(draft, { id: ID, actor: '', siteMs: 0 })).toBe(draft);
    expect(review(edit(draft, { text: 'x' }))).toMatchObject({ stage: 'editing', problem: 'This is not a number.', text: 'x' });
  });
  it('loses nothing on the way back', () => {
    expect(back(reviewed())).toMatchObject({ stage: 'editing', text: '22.5', reason: 'warm-up' });
  });
  it('expects revision 0 of a tag that never had a setpoint', () => {
    const fresh = begin(create(TagReadingSchema, { tag: 'a/b/c', type: 'f32' }));
    expect(fresh).toMatchObject({ text: '', seen: { revision: 0n } });
  });
  it('notices that somebody else was faster', () => {
    expect([isOvertaken(reviewed(), reading(4n)), isOvertaken(reviewed(), reading(5n))]).toEqual([false, true]);
  });
  it('goes forward only, whatever order the news come in', () => {
    let flow: Flow = sent();
    for (const state of [CommandState.WRITTEN, CommandState.COMMITTED]) flow = hear(flow, command(state));
    expect(flow).toMatchObject({ command: { state: CommandState.WRITTEN }, over: false });
    flow = hear(flow, command(CommandState.VERIFIED));
    expect(flow).toMatchObject({ over: true });
    expect(announcement(flow)).toBe('Setpoint 22.50 of cryo/chiller-1/temperature_setpoint: verified');
    expect(fail(flow, ID, { code: '', message: 'gone', remedy: '' }, true)).toBe(flow);
  });
  it('takes no news of other commands', () => {
    const flow = sent();
    expect(hear(flow, create(CommandSchema, { id: 'other', state: CommandState.VERIFIED }))).toBe(flow);
    expect(fail(flow, 'other', { code: '', message: '', remedy: '' }, true)).toBe(flow);
  });
  it('forgets its trouble when news come', () => {
    const flow = fail(sent(), ID, { code: '', message: 'no answer from n1', remedy: '' }, false);
    expect(announcement(flow)).toContain('no answer from n1');
    expect(hear(flow, command(CommandState.COMMITTED))).toMatchObject({ trouble: undefined, over: false });
  });
});

describe('progress', () => {
  const shown = (given: Command) => stepsOf(given, 500).map(({ name, state, detail }) => [name, state, detail].join(' ').trim());
  it('shows four steps', () => {
    expect(shown(command(CommandState.RECEIVED))).toEqual(['Requested done', 'Committed current', 'Written waiting', 'Verified waiting']);
    expect(shown(command(CommandState.DISPATCHED, { logIndex: 9n, owner: 'n2' }))).toEqual([
      'Requested done',
      'Committed done entry 9',
      'Written current n2 is at it',
      'Verified waiting',
    ]);
    expect(shown(command(CommandState.VERIFIED, { owner: 'n2' }))[2]).toBe('Written done by n2');
  });
  it('shows where it failed', () => {
    const error = { code: 'LAB3005' };
    expect(shown(command(CommandState.REJECTED, { error }))).toEqual([
      'Requested done',
      'Rejected failed LAB3005',
      'Written waiting',
      'Verified waiting',
    ]);
    const steps = [at(CommandState.COMMITTED, 1), at(CommandState.WRITTEN, 2), at(CommandState.VERIFY_FAILED, 3)];
    expect(shown(command(CommandState.VERIFY_FAILED, { steps, error }))[3]).toBe('Not verified failed LAB3005');
    expect(shown(command(CommandState.EXPIRED, { steps: steps.slice(0, 1) }))[2]).toBe('Expired failed');
  });
  it('gives each step its time', () => {
    const steps = stepsOf(command(CommandState.WRITTEN, { steps: [at(CommandState.COMMITTED, 700), at(CommandState.WRITTEN, 900)] }), 500);
    expect(steps.map(({ atMs }) => atMs)).toEqual([500, 700, 900, undefined]);
  });
  it('knows what is final', () => {
    const final = Object.values(CommandState).filter((state) => typeof state === 'number' && isFinal(state));
    expect(final).toHaveLength(8);
    expect(later(command(CommandState.REJECTED), command(CommandState.COMMITTED)).state).toBe(CommandState.REJECTED);
  });
});

describe('carrying a command through', () => {
  const request = create(SetSetpointRequestSchema, { id: ID, deadlineUnixMs: 10_000n });
  /** Answers in turn; the clock moves with the pauses. */
  async function carry(answers: (Command | undefined | Error)[]) {
    const log: string[] = [];
    let now = 0;
    const next = (what: string) => async () => {
      log.push(what);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const carrier: Carrier = {
      setSetpoint: next('set'),
      followCommand: next('follow'),
      siteMs: () => now,
      pause: async (ms) => void (now += ms),
    };
    await carryThrough(request, carrier, {
      command: ({ state }) => log.push(CommandState[state]),
      trouble: ({ message }, over) => log.push(`${over ? 'over' : 'trouble'}: ${message}`),
    });
    return { log, now };
  }
  it('hands over, then follows to the end', async () => {
    const { log } = await carry([command(CommandState.COMMITTED), command(CommandState.WRITTEN), command(CommandState.VERIFIED)]);
    expect(log).toEqual(['set', 'COMMITTED', 'follow', 'WRITTEN', 'follow', 'VERIFIED']);
  });
  it('hands over again while nobody answers, with pauses that grow', async () => {
    const { log, now } = await carry([new Unreachable([]), new Unreachable([]), command(CommandState.VERIFIED)]);
    expect(log.filter((line) => line === 'set')).toHaveLength(3);
    expect(now).toBe(600 + 1_200);
  });
  it('stops at a refusal', async () => {
    const { log } = await carry([new Refusal(400, { code: 'LAB3013', message: 'not a UUID' })]);
    expect(log).toEqual(['set', 'over: not a UUID']);
  });
  it('never hands over after the deadline, and says so when nothing arrived', async () => {
    const { log } = await carry([
      new Unreachable([]),
      new Unreachable([]),
      new Unreachable([]),
      new Unreachable([]),
      new Unreachable([]),
      undefined,
    ]);
    expect(log.at(-1)).toContain('nothing was driven');
    expect(log.lastIndexOf('set')).toBeLessThan(log.indexOf('follow'));
  });
});

describe('recent commands', () => {
  const made = (id: string, state: CommandState, ms: number) => create(CommandSchema, { id, state, steps: [at(state, ms)] });
  it('are each shown once, newest first, at most so many', () => {
    const list = heardOf([made('a', CommandState.COMMITTED, 1)], made('b', CommandState.COMMITTED, 2), 2);
    expect(list.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(heardOf(list, made('a', CommandState.VERIFIED, 3), 2).map(({ state }) => state)).toEqual([
      CommandState.COMMITTED,
      CommandState.VERIFIED,
    ]);
    expect(heardOf(list, made('c', CommandState.COMMITTED, 4), 2).map(({ id }) => id)).toEqual(['c', 'b']);
  });
  it('do not go back when an old report comes late', () => {
    const list = [made('a', CommandState.VERIFIED, 3)];
    expect(heardOf(list, made('a', CommandState.COMMITTED, 1), 2).map(({ state }) => state)).toEqual([CommandState.VERIFIED]);
  });
  it('keep what was heard while the list was on its way', () => {
    const merged = listed(
      [made('a', CommandState.COMMITTED, 1)],
      [made('b', CommandState.COMMITTED, 2), made('a', CommandState.VERIFIED, 3)],
      50,
    );
    expect(merged.map(({ id, state }) => [id, state])).toEqual([
      ['a', CommandState.VERIFIED],
      ['b', CommandState.COMMITTED],
    ]);
  });
});
