// What time it is at the site, seen from a browser whose own clock may be minutes off.
//
// A message tells the sender's time, but arrives late by an unknown delay: `told - local` is the true offset minus that delay. The
// largest of recent such differences is therefore the best; a window lets it follow a clock that drifts or is set.

/** How long a difference counts, in ms: at 100 ppm of drift the estimate is off by 3 ms at most. */
const WINDOW_MS = 30_000;

export class ServerClock {
  private best: { offsetMs: number; at: number } | undefined;
  private next: { offsetMs: number; at: number } | undefined;

  /** The site's clock showed at least `toldMs` when the local one shows `localMs` (both UTC, ms since 1970). */
  hear(toldMs: number, localMs: number): void {
    const heard = { offsetMs: toldMs - localMs, at: localMs };
    if (!this.best || heard.offsetMs >= this.best.offsetMs) {
      this.best = heard;
      this.next = undefined;
      return;
    }
    if (!this.next || heard.offsetMs >= this.next.offsetMs) this.next = heard;
    // `at` may also lie ahead of a local clock that was set back.
    if (Math.abs(localMs - this.best.at) > WINDOW_MS) {
      this.best = this.next;
      this.next = undefined;
    }
  }

  /** Another node's clock counts from here on. */
  reset(): void {
    this.best = undefined;
    this.next = undefined;
  }

  /** UTC at the site, ms since 1970; the local time until the site has told its own. */
  now(localMs: number): number {
    return localMs + (this.best?.offsetMs ?? 0);
  }
}
