import { describe, expect, it } from 'vitest';
import type { LinkView } from '../live/link-view';
import { noticesOf } from './notices';

const live: LinkView = {
  phase: 'live',
  node: 'n2',
  url: 'http://n2',
  term: 8,
  sinceMs: 34,
  reachable: 3,
  known: 3,
  urls: [],
  originDown: '',
  switched: undefined,
};
const check = (view: Partial<LinkView>, expected: string[], now = 0) =>
  expect(noticesOf({ ...live, ...view }, now, '16:24:05 UTC').map(({ kind, title, detail }) => `${kind}: ${title}. ${detail}`)).toEqual(
    expected,
  );

describe('the strip', () => {
  it('is empty when all is well, and at first', () => {
    check({}, []);
    check({ phase: 'connecting', sinceMs: 1_000, node: '' }, []);
  });
  it('says that the leader is lost, and after five elections that there is none', () => {
    check({ phase: 'lost', sinceMs: 620 }, [
      'warning: Lost n2. Looking for the leader (0.6 s). Values as of 16:24:05 UTC, writing is off.',
    ]);
    check({ phase: 'lost', sinceMs: 4_000, reachable: 1 }, [
      'urgent: No leader: 1 of 3 nodes reachable. Values as of 16:24:05 UTC, writing is off.',
    ]);
    check({ phase: 'lost', sinceMs: 4_000, reachable: 0 }, [
      'urgent: No node answers (4.0 s). Values as of 16:24:05 UTC, writing is off. Still trying all 3.',
    ]);
  });
  it('says at the first visit that nobody leads', () => {
    check({ phase: 'connecting', sinceMs: 2_000, reachable: 1 }, [
      'urgent: No leader: 1 of 3 nodes reachable. Values as of 16:24:05 UTC, writing is off.',
    ]);
  });
  it('says for 30 s where it is live again', () => {
    const switched = { from: 'n1', to: 'n2', term: 9, outageMs: 840, at: 5_000 };
    check({ switched }, ['info: Now on n2 (term 9). n1 was lost; live again after 0.8 s.'], 35_000);
    check({ switched }, [], 35_001);
    check({ switched: { ...switched, from: 'n2' } }, ['info: Back on n2 (term 9). n2 was lost; live again after 0.8 s.'], 5_000);
  });
  it('offers the page elsewhere when its own node is gone', () => {
    const [notice] = noticesOf({ ...live, originDown: 'n1' }, 0, '');
    expect(notice).toMatchObject({ id: 'origin', link: { url: 'http://n2', text: 'open it on n2' } });
  });
});
