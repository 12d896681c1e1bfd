// The browser as the page uses it. The only place that touches clocks, storage and sockets of the real world.

import type { Socket } from '../live/sockets';
import type { Browser } from './page.svelte';

const PEERS_KEY = 'labkeeper.peers';
const THEME_KEY = 'labkeeper.theme';
const ACTOR_KEY = 'labkeeper.actor';

export type Theme = 'light' | 'dark';

export function browserOf(window: Window & typeof globalThis): Browser {
  return {
    origin: window.location.origin,
    remembered: readPeers(),
    connect: (url) => new WebSocket(url) as Socket,
    fetch: window.fetch.bind(window),
    now: () => performance.now(),
    localMs: () => Date.now(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    every: (ms, run) => void setInterval(run, ms),
    nextFrame: (run) => void requestAnimationFrame(run),
    remember: (urls) => write(PEERS_KEY, JSON.stringify(urls)),
  };
}

/** The theme that the operator chose, else the one that the system prefers. */
export function readTheme(): Theme {
  const chosen = read(THEME_KEY);
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

export function writeTheme(theme: Theme): void {
  write(THEME_KEY, theme);
  applyTheme(theme);
}

/** The name that the operator gave at this browser, for the record of who set what. */
export function readActor(): string {
  return read(ACTOR_KEY) ?? '';
}

export function writeActor(actor: string): void {
  write(ACTOR_KEY, actor);
}

function readPeers(): string[] {
  try {
    const stored: unknown = JSON.parse(read(PEERS_KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

/** Storage may be forbidden; the page works without it. */
function read(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See `read`.
  }
}
