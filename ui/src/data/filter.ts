// Which tags the table shows. A filter is words with spaces between them; a tag must satisfy each:
//
//   temp              its name or description has "temp" (any case)
//   cryo/*/outlet_?   its name fits the glob: * any run of characters, ? one
//   owner:n1          its segment's owner is n1
//   quality:bad       bad, uncertain, good, or stale
//
// It knows nothing of rows or of the box that the text is typed into.

import type { TagReading } from '../gen/labkeeper/v1/tag_pb.js';
import type { Trust } from '../format/quality';

/** What a filter asks of a tag. */
export type Test = (reading: TagReading, trust: () => Trust) => boolean;

/** A parsed filter. */
export interface Filter {
  test: Test;
  /** Whether the answer can change while the tags stay the same. */
  followsValues: boolean;
}

export function parseFilter(text: string): Filter {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const tests = words.map(parseWord);
  return {
    test: (reading, trust) => tests.every((test) => test(reading, trust)),
    followsValues: words.some((word) => word.startsWith('quality:')),
  };
}

function parseWord(word: string): Test {
  const [, key, wanted] = /^(owner|quality):(.*)$/.exec(word) ?? [];
  if (key === 'owner') return ({ owner }) => owner.toLowerCase().startsWith(wanted ?? '');
  if (key === 'quality') return (_, trust) => trust().startsWith(wanted ?? '');
  if (!/[*?]/.test(word)) return ({ tag, description }) => tag.toLowerCase().includes(word) || description.toLowerCase().includes(word);
  const glob = globOf(word);
  return ({ tag }) => glob.test(tag.toLowerCase());
}

function globOf(word: string): RegExp {
  const pattern = word
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${pattern}$`);
}
