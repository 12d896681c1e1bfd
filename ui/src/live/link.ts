// Which node is believed, and when a socket is opened or given up. Pure: time, messages and chance come in, effects go out.
//
// The page holds one socket to every node. Only the leader sends data, the others send heartbeats, so when the leader dies the
// page already has a socket to its successor.
//
//   connecting --data of a leader--> live --socket closed, 700 ms silent, stepped down--> lost
//                                      ^                                                   |
//                                      +-------------- data of a leader ------------------+
//
// Rules:
//  - Data of the highest term wins; data of an older term is dropped, so a frozen leader that wakes up paints nothing.
//  - Only a leader's term counts: a node that is cut off and asks for votes in vain must not silence the leader.
//  - When no node answers at all, the term is forgotten: a site that is founded anew counts from 1 again.
//
// It knows nothing of WebSockets, of what a frame holds, or of how the page looks.

import type { LinkView, Switch } from './link-view';
import { originOf, type Peer, peerAt, retryPause } from './peer';

/** Longest silence of an open socket, in ms: three heartbeats of 200 ms may be lost or late, the fourth is not waited for. */
export const SILENCE_MS_MAX = 700;
/** Longest wait for a socket to open, in ms: two round trips at 250 ms each, doubled twice. A dead address must not hold a place. */
export const CONNECT_MS_MAX = 2_000;
/** A timer this late, in ms, means that the page slept, not that the nodes fell silent. One heartbeat and a slow frame. */
export const SLEPT_MS = 250;
/** How long the nodes have to be heard after such a sleep, in ms: one heartbeat and some scheduling. */
export const GRACE_MS = 300;
/** Most sockets: seven nodes, and the page's own address if it is not an advertised one. */
export const PEERS_MAX = 8;

/** What a message says about its sender. */
export type Heard =
  | { kind: 'welcome'; node: string; isLeader: boolean; term: number; peers: readonly string[] }
  /** Data that carries a term: snapshots and frames. */
  | { kind: 'data'; term: number }
  /** Data without one: commands, cluster. */
  | { kind: 'event' }
  | { kind: 'heartbeat' };

/** What the shell has to do. */
export type Effect = { do: 'open' | 'close'; url: string } | { do: 'remember'; urls: readonly string[] };

interface Leader {
  url: string;
  node: string;
  term: number;
  /** Whether its data has begun to come. */
  live: boolean;
}

export class Link {
  private readonly peers = new Map<string, Peer>();
  private readonly origin: string;
  private leader: Leader | undefined;
  private lastLeader: { node: string; term: number; at: number } | undefined;
  private termMax = 0;
  private switched: Switch | undefined;
  private began = 0;

  constructor(
    origin: string,
    private readonly remembered: readonly string[],
    private readonly random: () => number,
  ) {
    this.origin = originOf(origin) ?? origin;
  }

  /** Opens the first sockets: the page's own node and those remembered from an earlier visit. */
  start(now: number): Effect[] {
    this.began = now;
    this.learn([this.origin, ...this.remembered], now);
    return this.handleTimeout(now);
  }

  /** The socket to `url` is open. */
  handleOpen(url: string, now: number): void {
    const peer = this.peers.get(url);
    if (peer?.phase === 'connecting') Object.assign(peer, { phase: 'open', at: now });
  }

  /** The socket to `url` is closed or could not be opened. */
  handleClose(url: string, now: number): Effect[] {
    const peer = this.peers.get(url);
    if (!peer || (peer.phase !== 'open' && peer.phase !== 'connecting')) return [];
    this.giveUp(peer, now);
    return this.handleTimeout(now);
  }

  /** A message came. `accept` says whether it is the leader's, so that what it carries may be shown. */
  handleMessage(url: string, heard: Heard, now: number): { accept: boolean; effects: Effect[] } {
    const peer = this.peers.get(url);
    if (peer?.phase !== 'open') return { accept: false, effects: [] };
    Object.assign(peer, { at: now, graceUntil: now });
    switch (heard.kind) {
      case 'welcome': {
        const effects = this.welcome(peer, heard, now);
        return { accept: this.leader?.url === url, effects };
      }
      case 'data':
        return { accept: this.data(peer, heard.term, now), effects: [] };
      case 'event':
      case 'heartbeat':
        return { accept: this.leader?.url === url, effects: [] };
    }
  }

  /** The page is visible again, or the network is back: what waits is tried at once. */
  handleWake(now: number): Effect[] {
    for (const peer of this.peers.values()) {
      if (peer.phase === 'waiting') peer.at = now;
    }
    return this.handleTimeout(now);
  }

  /** Gives up what is silent and opens what is due. */
  handleTimeout(now: number): Effect[] {
    this.forgiveSleep(now);
    const effects: Effect[] = [];
    for (const peer of this.peers.values()) {
      if ((peer.phase === 'open' || peer.phase === 'connecting') && now >= (dueAt(peer) ?? Infinity)) {
        this.giveUp(peer, now);
        effects.push({ do: 'close', url: peer.url });
      }
    }
    for (const peer of this.peers.values()) {
      if (peer.phase !== 'waiting' || peer.at > now) continue;
      Object.assign(peer, { phase: 'connecting', at: now });
      effects.push({ do: 'open', url: peer.url });
    }
    return effects;
  }

  /** When `handleTimeout` is due; undefined if nothing is. */
  pollTimeout(): number | undefined {
    let due: number | undefined;
    for (const peer of this.peers.values()) {
      const at = dueAt(peer);
      if (at !== undefined && (due === undefined || at < due)) due = at;
    }
    return due;
  }

  /** The operator has read about the switch. */
  dismissSwitch(): void {
    this.switched = undefined;
  }

  view(now: number): LinkView {
    const open = [...this.peers.values()].filter((peer) => peer.phase === 'open' && peer.node !== '');
    const phase = this.leader?.live ? 'live' : this.lastLeader ? 'lost' : 'connecting';
    const leaderAt = this.leader && this.peers.get(this.leader.url)?.at;
    return {
      phase,
      node: this.leader?.node ?? this.lastLeader?.node ?? '',
      url: this.leader?.url ?? '',
      term: this.leader?.term ?? this.lastLeader?.term ?? 0,
      sinceMs: Math.max(0, now - ((phase === 'live' ? leaderAt : this.lastLeader?.at) ?? this.began)),
      reachable: open.length,
      known: [...this.peers.values()].filter((peer) => peer.phase !== 'parked').length,
      urls: open.map((peer) => peer.url).sort((a, b) => Number(b === this.origin) - Number(a === this.origin)),
      originDown: this.originDown(),
      switched: this.switched,
    };
  }

  private welcome(peer: Peer, heard: Heard & { kind: 'welcome' }, now: number): Effect[] {
    peer.failures = 0;
    peer.node = heard.node;
    const twin = [...this.peers.values()].find((other) => other !== peer && other.phase === 'open' && other.node === heard.node);
    if (twin) {
      peer.phase = 'parked';
      return [{ do: 'close', url: peer.url }];
    }
    if (heard.isLeader) this.follow(peer, heard.term, now);
    else if (this.leader?.url === peer.url) this.loseLeader(now);

    const listed = heard.peers.flatMap((url) => originOf(url) ?? []);
    const effects: Effect[] = [];
    if (this.leader?.url === peer.url && listed.length > 0) {
      effects.push(...this.forgetAllBut(listed), { do: 'remember', urls: listed });
    }
    this.learn(listed, now);
    return [...effects, ...this.handleTimeout(now)];
  }

  /** Whether data of `term` from `peer` may be shown. */
  private data(peer: Peer, term: number, now: number): boolean {
    if (this.leader?.url !== peer.url || term > this.leader.term) this.follow(peer, term, now);
    const leader = this.leader;
    if (leader?.url !== peer.url || term < leader.term) return false;
    if (!leader.live) {
      leader.live = true;
      const last = this.lastLeader;
      if (last) this.switched = { from: last.node, to: leader.node, term, outageMs: now - last.at, at: now };
    }
    return true;
  }

  /** Takes `peer` as the leader, unless a leader of the same or a higher term is known. */
  private follow(peer: Peer, term: number, now: number): void {
    const same = this.leader?.url === peer.url;
    if (term < this.termMax || (term === this.termMax && this.leader && !same)) return;
    if (this.leader && !same) this.loseLeader(now);
    this.termMax = term;
    this.leader = { url: peer.url, node: peer.node, term, live: same && this.leader?.live === true };
  }

  private loseLeader(now: number): void {
    if (!this.leader) return;
    // A leader that never sent data was none as far as the operator is concerned: the outage began with the one before.
    if (this.leader.live) {
      const heardAt = this.peers.get(this.leader.url)?.at ?? now;
      this.lastLeader = { node: this.leader.node, term: this.leader.term, at: Math.min(heardAt, now) };
    }
    this.leader = undefined;
  }

  private giveUp(peer: Peer, now: number): void {
    if (this.leader?.url === peer.url) this.loseLeader(now);
    peer.failures += 1;
    Object.assign(peer, { phase: 'waiting', at: now + retryPause(peer.failures, this.random()) });
    for (const other of this.peers.values()) {
      if (other.phase === 'parked' && other.node === peer.node) Object.assign(other, { phase: 'waiting', at: now });
    }
    if (![...this.peers.values()].some((each) => each.phase === 'open')) this.termMax = 0;
  }

  private learn(urls: readonly string[], now: number): void {
    for (const url of urls.flatMap((each) => originOf(each) ?? [])) {
      if (!this.peers.has(url) && this.peers.size < PEERS_MAX) this.peers.set(url, peerAt(url, now));
    }
  }

  /** The leader's list is the site's: what is not on it has left, but the page's own address stays. */
  private forgetAllBut(listed: readonly string[]): Effect[] {
    const effects: Effect[] = [];
    for (const peer of [...this.peers.values()]) {
      if (listed.includes(peer.url) || peer.url === this.origin || peer.url === this.leader?.url) continue;
      this.peers.delete(peer.url);
      if (peer.phase === 'open' || peer.phase === 'connecting') effects.push({ do: 'close', url: peer.url });
    }
    return effects;
  }

  /** A page that slept has heard nothing, but nobody was silent: messages may be queued behind this timer. Forgiven once. */
  private forgiveSleep(now: number): void {
    const due = this.pollTimeout();
    if (due === undefined || now - due < SLEPT_MS) return;
    for (const peer of this.peers.values()) {
      if (peer.graceUntil <= peer.at) peer.graceUntil = now + GRACE_MS;
    }
  }

  /** One attempt to come back is left to the node: a restart is no reason for alarm. */
  private originDown(): string {
    const own = this.peers.get(this.origin);
    if (!own || own.phase === 'open' || own.phase === 'parked' || own.failures < 2) return '';
    const answersElsewhere = [...this.peers.values()].some((peer) => peer.phase === 'open' && own.node !== '' && peer.node === own.node);
    return answersElsewhere ? '' : own.node || own.url;
  }
}

function dueAt(peer: Peer): number | undefined {
  switch (peer.phase) {
    case 'waiting':
      return peer.at;
    case 'connecting':
      return Math.max(peer.at + CONNECT_MS_MAX, peer.graceUntil);
    case 'open':
      return Math.max(peer.at + SILENCE_MS_MAX, peer.graceUntil);
    case 'parked':
      return undefined;
  }
}
