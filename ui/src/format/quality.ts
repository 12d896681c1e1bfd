// How far a value can be trusted, in words and in a glyph: never by colour alone.

import { Quality } from '../gen/labkeeper/v1/value_pb.js';

export type Trust = 'good' | 'uncertain' | 'stale' | 'bad';

/** What each quality is called, and how far it is trusted. */
const QUALITIES: Record<Quality, { text: string; trust: Trust }> = {
  [Quality.UNSPECIFIED]: { text: 'No reading', trust: 'bad' },
  [Quality.GOOD]: { text: 'Good', trust: 'good' },
  [Quality.UNCERTAIN_STALE]: { text: 'Stale', trust: 'stale' },
  [Quality.UNCERTAIN_OUT_OF_RANGE]: { text: 'Out of range', trust: 'uncertain' },
  [Quality.BAD_NOT_YET_READ]: { text: 'Not read yet', trust: 'bad' },
  [Quality.BAD_COMM_FAILURE]: { text: 'No connection', trust: 'bad' },
  [Quality.BAD_TIMEOUT]: { text: 'No answer', trust: 'bad' },
  [Quality.BAD_PROTOCOL]: { text: 'Garbled answer', trust: 'bad' },
  [Quality.BAD_DEVICE_ERROR]: { text: 'Device error', trust: 'bad' },
  [Quality.BAD_CONFIGURATION]: { text: 'Misconfigured', trust: 'bad' },
  [Quality.BAD_NOT_OWNED]: { text: 'No owner', trust: 'bad' },
  [Quality.BAD_OWNER_UNREACHABLE]: { text: 'Owner unreachable', trust: 'bad' },
  [Quality.BAD_QUARANTINED]: { text: 'Quarantined', trust: 'bad' },
};

/** A good value has no mark: quiet when all is well. */
export const GLYPHS: Record<Trust, string> = { good: '', uncertain: '~', stale: '◷', bad: '?' };

/** Shortest age in ms at which a value is stale, however often it is read: twice the longest silence about an unchanged value. */
const STALE_MS_MIN = 2_000;
/** A reading that is late by so many polls has been missed, not delayed. */
const STALE_POLLS = 3;

/** What a sample's quality and age say together. `quality` may be a number that this version does not know. */
export function trustOf(quality: number, ageMs: number, pollMs: number): { trust: Trust; text: string } {
  const known = QUALITIES[quality as Quality] ?? { text: 'Unknown quality', trust: 'bad' };
  const late = ageMs > Math.max(STALE_POLLS * pollMs, STALE_MS_MIN);
  return known.trust !== 'bad' && late ? { trust: 'stale', text: 'Stale' } : known;
}
