import { create, fromJson, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { flushSync, mount, tick, unmount } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { CommandSchema, CommandState, SetSetpointRequestSchema } from '../gen/labkeeper/v1/command_pb.js';
import { LiveResponseSchema } from '../gen/labkeeper/v1/live_pb.js';
import { Access } from '../gen/labkeeper/v1/site_pb.js';
import { Quality } from '../gen/labkeeper/v1/value_pb.js';
import App from './App.svelte';
import { type Browser, Page } from './page.svelte';

const N1 = 'http://n1:1';
const N2 = 'http://n2:1';
const AT = Date.UTC(2026, 10, 22, 16, 24, 5);
const SETPOINT = 'cryo/chiller-1/temperature_setpoint';

type Said = NonNullable<Exclude<MessageInitShape<typeof LiveResponseSchema>, { $typeName: string }>['kind']>;
type Answer = [status: number, body: unknown] | undefined;

/** A browser whose time, frames, sockets and answers are the test's. Nothing in it waits for real time. */
class FakeBrowser implements Browser {
  readonly origin = N1;
  readonly remembered = [];
  readonly sockets = new Map<string, ReturnType<Browser['connect']>>();
  readonly posted: { url: string; body: unknown }[] = [];
  answer: (url: string) => Answer = () => undefined;
  private clock = 0;
  private frames: (() => void)[] = [];
  private beats: (() => void)[] = [];
  private timers: { at: number; run: () => void }[] = [];

  connect = (url: string) => {
    const socket = { binaryType: '', onopen: null, onclose: null, onmessage: null, send: () => {}, close: () => {} };
    this.sockets.set(url.replace('ws:', 'http:').replace('/api/v1/live', ''), socket);
    return socket;
  };
  fetch = (async (url: string, init?: RequestInit) => {
    if (init?.method === 'POST') this.posted.push({ url, body: JSON.parse(init.body as string) });
    const answer = this.answer(url);
    if (!answer) throw new TypeError('refused');
    return new Response(JSON.stringify(answer[1]), { status: answer[0] });
  }) as typeof fetch;
  now = () => this.clock;
  localMs = () => AT + this.clock;
  after = (ms: number, run: () => void) => {
    const timer = { at: this.clock + ms, run };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((each) => each !== timer));
  };
  every = (_: number, run: () => void) => void this.beats.push(run);
  nextFrame = (run: () => void) => void this.frames.push(run);
  remember = () => {};

  say(url: string, kind: Said): void {
    const bytes = toBinary(LiveResponseSchema, create(LiveResponseSchema, { kind }));
    this.sockets.get(url)?.onmessage?.({ data: bytes.slice().buffer });
  }

  /** Lets time pass: what is due runs, then a frame is painted. */
  async pass(ms: number): Promise<void> {
    this.clock += ms;
    for (const timer of this.timers.filter(({ at }) => at <= this.clock)) {
      this.timers = this.timers.filter((each) => each !== timer);
      timer.run();
    }
    for (const beat of this.beats) beat();
    for (const frame of this.frames.splice(0)) frame();
    // What was promised meanwhile: the chain of a call is some ten links long.
    for (let i = 0; i < 50; i++) await Promise.resolve();
    await tick();
    flushSync();
  }
}

const welcome = (node: string, isLeader: boolean, term: bigint): Said => ({
  case: 'welcome',
  value: { node, isLeader, term, peers: [N1, N2], timeUnixMs: BigInt(AT) },
});
const sample = (value: number) => ({
  timeUnixNs: BigInt(AT) * 1_000_000n,
  quality: Quality.GOOD,
  value: { kind: { case: 'number' as const, value } },
});
const snapshot = (term: bigint, generation = 1): Said => ({
  case: 'snapshot',
  value: {
    term,
    generation,
    tags: [
      { tag: 'vacuum/stand-1/gauge_high', unit: 'mbar', owner: 'n2', type: 'f32', access: Access.READ, sample: sample(3.1e-9) },
      {
        ...{ tag: SETPOINT, unit: 'degC', owner: 'n1', type: 'f32', access: Access.READ_WRITE, sample: sample(20) },
        limits: { min: 5, max: 40 },
        rung: 'F1',
        setpoint: { value: sample(20).value, revision: 3n, state: CommandState.VERIFIED, actor: 'ada' },
      },
    ],
  },
});
const frame = (term: bigint, value: number): Said => ({
  case: 'frame',
  value: { term, generation: 1, baseUnixMs: BigInt(AT), ids: [1], values: [value], dtMs: [100], qualities: [Quality.GOOD] },
});

let shown: Record<string, never> | undefined;
afterEach(() => {
  if (shown) void unmount(shown);
  shown = undefined;
  localStorage.clear();
  history.replaceState(null, '', '/');
});

/** The page in a browser, with n1 leading and its first snapshot shown. */
async function open(): Promise<{ browser: FakeBrowser; page: Page }> {
  const browser = new FakeBrowser();
  const page = new Page(browser);
  page.start();
  shown = mount(App, { target: document.body, props: { page } });
  browser.sockets.get(N1)?.onopen?.();
  browser.say(N1, welcome('n1', true, 3n));
  browser.sockets.get(N2)?.onopen?.();
  browser.say(N2, welcome('n2', false, 3n));
  browser.say(N1, snapshot(3n));
  await browser.pass(16);
  return { browser, page };
}

const row = (tag: string) => document.querySelector<HTMLElement>(`[data-tag="${tag}"]`);
const cells = (tag: string) =>
  [...(row(tag)?.querySelectorAll('[role=gridcell]') ?? [])].map((cell) => cell.textContent?.trim().replace(/\s+/g, ' '));
const press = (target: Element | null, key: string, more: KeyboardEventInit = {}) =>
  target?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }));
const grid = () => document.querySelector('[role=grid]');
const panel = () => document.querySelector<HTMLElement>('section[aria-label=Setpoint]');

describe('the live table', () => {
  it('shows every tag with value, unit, quality, age, setpoint and owner, ordered by name', async () => {
    await open();
    expect([...document.querySelectorAll('[data-tag]')].map((each) => (each as HTMLElement).dataset['tag'])).toEqual([
      SETPOINT,
      'vacuum/stand-1/gauge_high',
    ]);
    expect(cells(SETPOINT)).toEqual(['20.00', '°C', 'Good', '< 1 s', '20.00 verified', 'n1', 'F1']);
    expect(document.querySelector('[data-testid=link]')?.textContent).toContain('Leader n1 · term 3');
  });

  it('paints frames once per animation frame', async () => {
    const { browser } = await open();
    browser.say(N1, frame(3n, 20.5));
    await tick();
    expect(cells(SETPOINT)[0]).toBe('20.00');
    await browser.pass(16);
    expect(cells(SETPOINT)[0]).toBe('20.50');
  });

  it('keeps its values when the leader dies, turns writing off, and goes on with the next', async () => {
    const { browser } = await open();
    browser.sockets.get(N1)?.onclose?.();
    await browser.pass(600);
    expect(cells(SETPOINT)[0]).toBe('20.00');
    expect(document.querySelector('[data-testid=notice-lost]')?.textContent).toContain('Lost n1');
    browser.say(N2, welcome('n2', true, 4n));
    // A frame before the new leader's snapshot would put values under another leader's ids.
    browser.say(N2, frame(4n, 99));
    await browser.pass(16);
    expect(cells(SETPOINT)[0]).toBe('20.00');
    browser.say(N2, snapshot(4n));
    browser.say(N2, frame(4n, 21));
    await browser.pass(500);
    expect(cells(SETPOINT)[0]).toBe('21.00');
    expect(document.querySelector('[data-testid=notice-switched]')?.textContent).toContain('Now on n2 (term 4)');
  });

  it('marks a value that stays away, with its age by the site’s clock', async () => {
    const { browser } = await open();
    await browser.pass(1_000);
    // That clock is two seconds ahead of the browser's.
    browser.say(N1, { case: 'heartbeat', value: { timeUnixMs: BigInt(AT + 3_016) } });
    await browser.pass(2_000);
    expect(cells(SETPOINT).slice(2, 4)).toEqual(['◷ Stale', '5.0 s']);
  });
});

describe('a takeover', () => {
  const cluster = (epoch: bigint, more: object): Said => ({
    case: 'cluster',
    value: {
      initialised: true,
      leader: 'n1',
      nodes: [{ name: 'n1' }, { name: 'n2', draining: true }],
      segments: [{ name: 'cryo', owner: 'n2', epoch, leaseRemainingMs: 1_240n, devices: 2, devicesOnline: 2 }],
      takeovers: [{ segment: 'cryo', from: 'n1', to: 'n2', epoch: 3n, beganUnixMs: BigInt(AT - 12_000), assignedMs: 1_810n, ...more }],
    },
  });
  const text = (selector: string) => document.querySelector(selector)?.textContent?.trim().replace(/\s+/g, ' ');

  it('shows where a segment goes, for how long it was left alone, and what is drained', async () => {
    const { browser } = await open();
    browser.say(N1, cluster(3n, {}));
    await browser.pass(16);
    expect(text('[data-testid=segment-cryo]')).toBe('cryo taking over epoch 3 · lease 1.2 s · 2/2 devices');
    expect(text('[aria-label=Takeovers] li')).toBe('cryo n1 → n2 under way 12 s ago');
    expect(text('[aria-label="Node n2"] h2')).toContain('Draining');
    browser.say(N1, cluster(3n, { enabledMs: 1_911n }));
    await browser.pass(16);
    expect(text('[data-testid=segment-cryo]')).toBe('cryo epoch 3 · lease 1.2 s · 2/2 devices');
    expect(text('[aria-label=Takeovers] li')).toBe('cryo n1 → n2 after 1 911 ms 12 s ago');
  });

  it('leaves a held tag to a person', async () => {
    const { browser } = await open();
    const held = snapshot(3n);
    if (held.case === 'snapshot') Object.assign(held.value.tags?.[1] ?? {}, { hold: { reason: 1 } });
    browser.say(N1, held);
    await browser.pass(16);
    expect(cells(SETPOINT)[4]).toBe('20.00 held');
    press(grid(), 'ArrowDown');
    await browser.pass(0);
    expect(panel()?.querySelector('[data-testid=notice-tag]')?.textContent).toContain(`labkeeper cluster confirm ${SETPOINT}`);
    expect(panel()?.querySelector<HTMLButtonElement>('button.primary')?.disabled).toBe(true);
  });
});

describe('setting a setpoint with the keyboard', () => {
  const command = (state: CommandState, id: string) =>
    ({ case: 'command', value: create(CommandSchema, { id, tag: SETPOINT, state }) }) as const;
  const states = () => [...document.querySelectorAll('ol [data-state]')].map((step) => (step as HTMLElement).dataset['state']);

  async function reviewed(text: string) {
    const { browser, page } = await open();
    press(grid(), 'ArrowDown');
    await browser.pass(0);
    press(grid(), 'Enter');
    await browser.pass(0);
    const entry = document.querySelector<HTMLInputElement>('[data-entry]')!;
    expect(document.activeElement).toBe(entry);
    entry.value = text;
    entry.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
    entry.form?.requestSubmit();
    await browser.pass(0);
    return { browser, page };
  }

  it('reviews first, sends once, and shows each step as the site reports it', async () => {
    const { browser } = await reviewed('22.5');
    expect(document.querySelector('[data-testid=review]')?.textContent?.replace(/\s+/g, ' ').trim()).toBe('20.00 → 22.50 °C (+2.500)');
    expect(browser.posted).toEqual([]);
    browser.answer = (url) =>
      url.endsWith('/commands') ? [200, { command: { id: '', tag: SETPOINT, state: 'COMMAND_STATE_COMMITTED' } }] : undefined;
    press(panel(), 'Enter', { ctrlKey: true });
    press(panel(), 'Enter', { ctrlKey: true });
    await browser.pass(0);
    expect(browser.posted).toHaveLength(1);
    const sent = fromJson(SetSetpointRequestSchema, browser.posted[0]?.body as never);
    expect(sent).toMatchObject({
      tag: SETPOINT,
      expectedRevision: 3n,
      actor: 'operator',
      value: { kind: { case: 'number', value: 22.5 } },
    });
    expect(states()).toEqual(['done', 'current', 'waiting', 'waiting']);
    for (const [state, expected] of [
      [CommandState.COMMITTED, ['done', 'done', 'current', 'waiting']],
      [CommandState.WRITTEN, ['done', 'done', 'done', 'current']],
      [CommandState.VERIFIED, ['done', 'done', 'done', 'done']],
    ] as const) {
      browser.say(N1, command(state, sent.id));
      await browser.pass(16);
      expect(states()).toEqual(expected);
    }
    expect(cells(SETPOINT)[0], 'the readback, never the wish').toBe('20.00');
    expect(document.querySelector('.spoken[role=status]')?.textContent).toContain('verified');
  });

  it('shows why the site refused', async () => {
    const { browser } = await reviewed('99');
    expect(panel()?.textContent).toContain('Outside 5 to 40 °C');
    browser.answer = (url) => {
      const id = (browser.posted[0]?.body as { id: string }).id;
      const error = { code: 'LAB3005', message: '99 is outside 5 to 40', remedy: 'Choose less.' };
      return url.endsWith('/commands') ? [200, { command: { id, tag: SETPOINT, state: 'COMMAND_STATE_REJECTED', error } }] : undefined;
    };
    press(panel(), 'Enter', { ctrlKey: true });
    await browser.pass(0);
    expect(panel()?.textContent).toMatch(/Rejected.*LAB3005.*Choose less\./s);
  });

  it('goes back without losing what was typed, and writes nothing without a leader', async () => {
    const { browser } = await reviewed('22.5');
    browser.sockets.get(N1)?.onclose?.();
    await browser.pass(0);
    press(panel(), 'Enter', { ctrlKey: true });
    await browser.pass(0);
    expect(browser.posted).toEqual([]);
    press(panel(), 'Escape');
    await browser.pass(0);
    expect(document.querySelector<HTMLInputElement>('[data-entry]')?.value).toBe('22.5');
    press(panel(), 'Escape');
    expect(document.activeElement).toBe(grid());
    expect(cells(SETPOINT)[4]).toBe('22.5 draft');
  });
});

describe('with nothing to show', () => {
  const cluster =
    (more: object) =>
    (url: string): Answer =>
      url.endsWith('/cluster') ? [200, { answeredBy: 'n1', nodes: [{ name: 'n1', grpc: '10.0.0.1:7600' }], ...more }] : undefined;
  async function empty(answer: FakeBrowser['answer']) {
    const browser = new FakeBrowser();
    browser.answer = answer;
    const page = new Page(browser);
    shown = mount(App, { target: document.body, props: { page } });
    await browser.pass(2_000);
    page.start();
    await browser.pass(2_000);
    return document.querySelector('[data-testid=empty]')?.textContent;
  }
  it('says how to found a site', async () => {
    expect(await empty(cluster({ initialised: false }))).toContain('labkeeper cluster init --endpoint 10.0.0.1:7600');
  });
  it('says how to declare devices', async () => {
    expect(await empty(cluster({ initialised: true, siteVersion: '0' }))).toContain(
      'labkeeper site apply site.toml --endpoint 10.0.0.1:7600',
    );
  });
  it('says that it waits', async () => {
    expect(await empty(() => undefined)).toContain('Waiting for values');
  });
});
