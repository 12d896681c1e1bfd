// The page must be one script, whole and small: a chunk that is asked of a dead node cannot load, and an operator at a slow link waits for
// every byte.

import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** 1.5 s to the first value at 1 Mbit/s leave this for code. */
const GZIP_BYTES_MAX = 150_000;

const folder = new URL('../dist/assets/', import.meta.url);
const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'));
if (scripts.length !== 1) {
  console.error(`the page must be one script, found ${scripts.length}: ${scripts.join(', ')}`);
  process.exit(1);
}
const bytes = gzipSync(readFileSync(new URL(scripts[0], folder)), { level: 9 }).length;
const summary = `${scripts[0]}: ${bytes} bytes gzipped of at most ${GZIP_BYTES_MAX}`;
if (bytes > GZIP_BYTES_MAX) {
  console.error(`too large: ${summary}`);
  process.exit(1);
}
console.log(summary);
