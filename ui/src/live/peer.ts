// One node as the page sees it: its address, its socket's state, and when to try again.
//
//        +--> waiting --retryAt--> connecting --open--> open --silent, closed--+
//        |                             |                                       |
//        +-----------------------------+---------- failed -------<-------------+
//
//   parked: another address of the same node has an open socket; waits until that one closes.
//
// It knows nothing of leaders and terms: that is link.ts.

/** A node at one address. Times are milliseconds of a monotonic clock. */
export interface Peer {
  /** HTTP origin, without a trailing slash. */
  readonly url: string;
  /** The node's name; empty until it has said so. */
  node: string;
  phase: 'waiting' | 'connecting' | 'open' | 'parked';
  /** When it was last heard; for `connecting`, when that began; for `waiting`, when to try again. */
  at: number;
  /** Until when its silence is forgiven, because the page itself slept; at or before `at` if it is not. */
  graceUntil: number;
  /** Attempts since the node last welcomed the page. */
  failures: number;
}

/** Shortest and longest pause before a socket is opened again, in ms. The first pause is 150 to 300 ms after jitter. */
export const RETRY_MS_MIN = 300;
/** A node that is down for a day is asked 17,280 times: cheap, and never given up. */
export const RETRY_MS_MAX = 5_000;

/** A peer that is due at once. */
export function peerAt(url: string, now: number): Peer {
  return { url, node: '', phase: 'waiting', at: now, graceUntil: now, failures: 0 };
}

/**
 * The pause before attempt number `failures` (from 1), in ms: doubles up to RETRY_MS_MAX; `random` (0 to 1) takes off up to half, so
 * that the pages of a lab do not knock at a returning node in step.
 */
export function retryPause(failures: number, random: number): number {
  // 2^5 x 300 ms is already beyond the longest pause; the exponent is bounded so that it never overflows.
  const doubled = RETRY_MS_MIN * 2 ** Math.min(failures - 1, 5);
  return Math.min(RETRY_MS_MAX, doubled) * (0.5 + 0.5 * random);
}

/** An address as it is compared: its origin; undefined if it is no HTTP address. */
export function originOf(url: string): string | undefined {
  try {
    const parsed = new URL(url);
    return parsed.protocol === 'http:' || parsed.protocol === 'https:' ? parsed.origin : undefined;
  } catch {
    return undefined;
  }
}
