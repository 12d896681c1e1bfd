import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { LiveRequestSchema, LiveResponseSchema } from '../gen/labkeeper/v1/live_pb.js';
import { Link } from './link';
import { type Socket, Sockets, type Surroundings } from './sockets';

const N1 = 'http://10.1.0.5:7680';
const N2 = 'http://10.2.0.5:7680';

type Said = NonNullable<Exclude<MessageInitShape<typeof LiveResponseSchema>, { $typeName: string }>['kind']>;

class FakeSocket implements Socket {
  binaryType = '';
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: Uint8Array[] = [];
  closed = false;

  constructor(readonly url: string) {}
  send(data: Uint8Array): void {
    this.sent.push(data);
  }
  close(): void {
    this.closed = true;
  }
  say(kind: Said): void {
    const bytes = toBinary(LiveResponseSchema, create(LiveResponseSchema, { kind }));
    this.onmessage?.({ data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) });
  }
}

/** A page whose time only passes when told, with sockets that do nothing by themselves. */
function page() {
  const opened: FakeSocket[] = [];
  const timer: { at: number; run: (() => void) | undefined } = { at: 0, run: undefined };
  const world = { now: 0, remembered: [] as readonly string[], shown: [] as string[], timersArmed: 0 };
  const around: Surroundings = {
    connect: (url) => {
      const socket = new FakeSocket(url);
      opened.push(socket);
      return socket;
    },
    now: () => world.now,
    after: (ms, run) => {
      world.timersArmed += 1;
      Object.assign(timer, { at: world.now + ms, run });
      return () => {
        if (timer.run === run) world.timersArmed -= 1;
        timer.run = undefined;
      };
    },
    remember: (urls) => (world.remembered = urls),
  };
  const sockets = new Sockets(
    new Link(N1, [], () => 0),
    around,
    (url, { kind }) => world.shown.push(`${url} ${kind.case}`),
    () => {},
  );
  const passTo = (ms: number) => {
    while (timer.run && timer.at <= ms) {
      const run = timer.run;
      timer.run = undefined;
      world.timersArmed -= 1;
      world.now = timer.at;
      run();
    }
    world.now = ms;
  };
  sockets.start();
  return { opened, world, sockets, passTo };
}

const welcome = (isLeader: boolean, node: string): Said => ({
  case: 'welcome',
  value: { node, isLeader, term: 3n, leader: 'n1', peers: [N1, N2] },
});
const frame = (term: bigint): Said => ({ case: 'frame', value: { term, generation: 1 } });

it('subscribes on every socket, shows what the leader says and nothing else', () => {
  const { opened, world, sockets } = page();
  expect(opened.map((socket) => socket.url)).toEqual(['ws://10.1.0.5:7680/api/v1/live']);
  const [first] = opened as [FakeSocket];
  first.onopen?.();
  expect(fromBinary(LiveRequestSchema, first.sent[0] as Uint8Array).kind).toMatchObject({ case: 'subscribe', value: { rateHzMax: 10 } });
  first.say(welcome(true, 'n1'));
  expect(world.remembered).toEqual([N1, N2]);
  const second = opened[1] as FakeSocket;
  second.onopen?.();
  second.say(welcome(false, 'n2'));
  second.say(frame(3n));
  first.say(frame(3n));
  expect(world.shown).toEqual([`${N1} welcome`, `${N1} frame`]);
  expect(sockets.view().phase).toBe('live');
});

it('closes a silent socket, opens another, and ignores what the closed one still says', () => {
  const { opened, world, passTo, sockets } = page();
  const [first] = opened as [FakeSocket];
  first.onopen?.();
  first.say(welcome(true, 'n1'));
  first.say(frame(3n));
  const late = first.onmessage;
  passTo(1_000);
  expect(first.closed).toBe(true);
  expect(late).not.toBeNull();
  expect(first.onmessage).toBeNull();
  expect(opened.filter((socket) => socket.url.includes('10.1.0.5'))).toHaveLength(2);
  expect(sockets.view().phase).toBe('lost');
  expect(world.shown).toHaveLength(2);
});

it('arms one timer, however much is said', () => {
  const { opened, world } = page();
  const [first] = opened as [FakeSocket];
  first.onopen?.();
  first.say(welcome(true, 'n1'));
  for (let i = 0; i < 100; i++) first.say(frame(3n));
  expect(world.timersArmed).toBe(1);
});

it('opens again after a socket that never opened', () => {
  const { opened, passTo } = page();
  passTo(60_000);
  // Two seconds for each attempt, and pauses that grow to half of five seconds.
  expect(opened.length).toBeGreaterThan(10);
  expect(opened.length).toBeLessThan(30);
});
