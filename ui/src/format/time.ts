// Ages and times. All times are UTC, so that two people in one lab and its log files speak of the same moment.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** An age in words of at most seven characters. Everything below a second reads the same: a number that flickers says nothing. */
export function formatAge(ms: number): string {
  if (ms < SECOND) return '< 1 s';
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  return ms < 2 * DAY ? `${Math.floor(ms / HOUR)} h` : `${Math.floor(ms / DAY)} d`;
}

/** A short span with a tenth of a second: "0.8 s"; from a minute on as an age. */
export function formatSpan(ms: number): string {
  return ms < MINUTE ? `${(ms / SECOND).toFixed(1)} s` : formatAge(ms);
}

/** "16:24:05" UTC, with milliseconds if asked. */
export function formatClock(unixMs: number, withMs = false): string {
  const text = new Date(unixMs).toISOString();
  return withMs ? text.slice(11, 23) : text.slice(11, 19);
}

/** "2026-11-22 16:24:05 UTC". */
export function formatDate(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
