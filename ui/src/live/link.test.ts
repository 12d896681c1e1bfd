import { describe, expect, it } from 'vitest';
import { type Effect, GRACE_MS, type Heard, Link, SILENCE_MS_MAX } from './link';
import { RETRY_MS_MAX, retryPause } from './peer';

const N1 = 'http://10.1.0.5:7680';
const N2 = 'http://10.2.0.5:7680';
const N3 = 'http://10.3.0.5:7680';
const ALL = [N1, N2, N3];
const NAMES = new Map([
  [N1, 'n1'],
  [N2, 'n2'],
  [N3, 'n3'],
]);

/** A page and its nodes: a clock, and sockets that do what the link asks. */
class World {
  now = 1_000;
  readonly open = new Set<string>();
  readonly remembered: string[] = [];
  readonly dead = new Set<string>();
  readonly link: Link;

  constructor(origin = N1, remembered: string[] = []) {
    this.link = new Link(origin, remembered, () => 0);
    this.carryOut(this.link.start(this.now));
  }

  carryOut(effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.do === 'remember') this.remembered.splice(0, this.remembered.length, ...effect.urls);
      else if (effect.do === 'close') this.open.delete(effect.url);
      else if (this.dead.has(effect.url)) this.carryOut(this.link.handleClose(effect.url, this.now));
      else {
        this.open.add(effect.url);
        this.link.handleOpen(effect.url, this.now);
      }
    }
  }

  hear(url: string, heard: Heard): boolean {
    const { accept, effects } = this.link.handleMessage(url, heard, this.now);
    this.carryOut(effects);
    return accept;
  }

  welcome(url: string, term: number, isLeader: boolean, node = NAMES.get(url) ?? url): void {
    this.hear(url, { kind: 'welcome', node, isLeader, term, peers: ALL });
  }

  data = (url: string, term: number) => this.hear(url, { kind: 'data', term });

  /** Lets time pass in steps of one heartbeat; `speaking` nodes send one at each step. */
  pass(ms: number, speaking: string[] = []): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now = Math.min(end, this.now + 100);
      for (const url of speaking) if (this.open.has(url)) this.hear(url, { kind: 'heartbeat' });
      this.carryOut(this.link.handleTimeout(this.now));
    }
  }

  kill(url: string): void {
    this.dead.add(url);
    if (this.open.delete(url)) this.carryOut(this.link.handleClose(url, this.now));
  }

  view = () => this.link.view(this.now);
}

/** Three nodes, n1 leads in term 8 and has sent data. */
function settled(): World {
  const world = new World();
  world.welcome(N1, 8, true);
  world.welcome(N2, 8, false);
  world.welcome(N3, 8, false);
  expect(world.data(N1, 8)).toBe(true);
  return world;
}

describe('which sockets are open', () => {
  it('opens one to the page’s own node, learns of the others, and remembers them', () => {
    const world = new World();
    expect([...world.open]).toEqual([N1]);
    world.welcome(N1, 8, true);
    expect([...world.open]).toEqual(ALL);
    expect(world.remembered).toEqual(ALL);
  });

  it('opens the remembered ones at once, also when the page’s own node is dead', () => {
    const world = new World(N1, [N2, N3]);
    expect([...world.open]).toEqual(ALL);
  });

  it('keeps one socket to a node that is reached at two addresses, and falls back on the other', () => {
    const alias = 'http://localhost:7680';
    const world = new World(alias);
    world.welcome(alias, 8, true, 'n1');
    world.welcome(N1, 8, true, 'n1');
    expect([...world.open].sort()).toEqual([alias, N2, N3].sort());
    expect(world.view().known).toBe(3);
    world.kill(alias);
    expect(world.open.has(N1)).toBe(true);
  });

  it('closes the socket to a node that has left the site', () => {
    const world = settled();
    world.hear(N1, { kind: 'welcome', node: 'n1', isLeader: true, term: 8, peers: [N1, N2] });
    expect([...world.open].sort()).toEqual([N1, N2]);
  });

  it('gives up a silent socket after 700 ms, not before', () => {
    const world = settled();
    world.pass(SILENCE_MS_MAX - 100, [N1, N2]);
    expect(world.open.has(N3)).toBe(true);
    world.pass(100, [N1, N2]);
    expect(world.open.has(N3)).toBe(false);
    expect(world.open.has(N1)).toBe(true);
  });

  it('tries for ever, at most 5 s apart', () => {
    const world = settled();
    world.kill(N3);
    world.pass(3_600_000, [N1, N2]);
    world.dead.clear();
    world.pass(RETRY_MS_MAX, ALL);
    expect(world.open.has(N3)).toBe(true);
  });

  it('tries at once when the page wakes up', () => {
    const world = settled();
    world.kill(N3);
    world.pass(60_000, [N1, N2]);
    world.dead.clear();
    world.carryOut(world.link.handleWake(world.now));
    expect(world.open.has(N3)).toBe(true);
  });

  it('forgives a silence that the page slept through, once', () => {
    const world = settled();
    world.now += 30_000;
    world.carryOut(world.link.handleTimeout(world.now));
    expect([...world.open]).toEqual(ALL);
    world.hear(N2, { kind: 'heartbeat' });
    world.now += 30_000;
    world.carryOut(world.link.handleTimeout(world.now));
    expect([...world.open]).toEqual([N2]);
    expect(world.link.pollTimeout()).toBeLessThanOrEqual(world.now + GRACE_MS);
  });
});

describe('who is believed', () => {
  it('is live with the first data, not with the welcome', () => {
    const world = new World();
    world.welcome(N1, 8, true);
    expect(world.view().phase).toBe('connecting');
    world.data(N1, 8);
    expect(world.view()).toMatchObject({ phase: 'live', node: 'n1', term: 8, reachable: 1, known: 3, switched: undefined });
  });

  it('switches when the leader is killed, and says how long it took', () => {
    const world = settled();
    world.pass(100, ALL);
    world.kill(N1);
    world.pass(400, [N2, N3]);
    expect(world.view()).toMatchObject({ phase: 'lost', node: 'n1', sinceMs: 400, reachable: 2 });
    world.welcome(N2, 9, true);
    expect(world.data(N2, 9)).toBe(true);
    expect(world.view()).toMatchObject({ phase: 'live', node: 'n2', term: 9, switched: { from: 'n1', to: 'n2', outageMs: 400 } });
    world.link.dismissSwitch();
    expect(world.view().switched).toBeUndefined();
  });

  it('switches at once when the leader is frozen, and drops what it says on waking', () => {
    const world = settled();
    world.welcome(N2, 9, true);
    expect(world.data(N2, 9)).toBe(true);
    expect(world.data(N1, 8)).toBe(false);
    world.welcome(N1, 8, true);
    expect(world.data(N1, 8)).toBe(false);
    expect(world.view()).toMatchObject({ phase: 'live', node: 'n2', term: 9 });
  });

  it('does not believe an older term while there is no leader', () => {
    const world = settled();
    world.welcome(N2, 9, true);
    world.data(N2, 9);
    world.kill(N2);
    expect(world.data(N1, 8)).toBe(false);
    expect(world.view().phase).toBe('lost');
  });

  it('loses a leader that says it leads no more', () => {
    const world = settled();
    world.welcome(N1, 9, false);
    expect(world.view().phase).toBe('lost');
  });

  it('is not disturbed by a node that asks for votes in vain', () => {
    const world = settled();
    world.welcome(N3, 50, false);
    expect(world.data(N1, 8)).toBe(true);
    expect(world.view()).toMatchObject({ phase: 'live', node: 'n1', term: 8 });
  });

  it('takes events from the leader only', () => {
    const world = settled();
    expect(world.hear(N1, { kind: 'event' })).toBe(true);
    expect(world.hear(N2, { kind: 'event' })).toBe(false);
  });

  it('follows a site that was founded anew, whose terms begin again', () => {
    const world = settled();
    for (const url of ALL) world.kill(url);
    world.dead.clear();
    world.pass(RETRY_MS_MAX);
    world.welcome(N1, 1, true);
    expect(world.data(N1, 1)).toBe(true);
  });

  it('says when the node that served the page is gone for more than a restart', () => {
    const world = settled();
    world.welcome(N2, 9, true);
    world.data(N2, 9);
    world.kill(N1);
    expect(world.view().originDown).toBe('');
    world.pass(1_000, [N2, N3]);
    expect(world.view()).toMatchObject({ phase: 'live', originDown: 'n1' });
  });
});

describe('the pause before a retry', () => {
  it('doubles from 150..300 ms to 2.5..5 s', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map((n) => retryPause(n, 0))).toEqual([150, 300, 600, 1200, 2400, 2500, 2500]);
    expect([1, 2, 100].map((n) => retryPause(n, 1))).toEqual([300, 600, 5000]);
  });
});
