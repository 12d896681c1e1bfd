import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { TagReadingSchema } from '../gen/labkeeper/v1/tag_pb.js';
import { parseFilter } from './filter';
import { OVERSCAN, rowsInView, scrollToRow } from './window';

describe('the filter', () => {
  const tag = create(TagReadingSchema, { tag: 'cryo/chiller-1/outlet_temperature', owner: 'n1', description: 'Water leaving the chiller' });
  const check = (text: string, expected: boolean, trust: 'good' | 'bad' | 'stale' = 'good') =>
    expect(
      parseFilter(text).test(tag, () => trust),
      text,
    ).toBe(expected);

  it('takes words, in any case and order, of name or description', () => {
    check('', true);
    check('  ', true);
    check('CHILLER temp', true);
    check('temp cryo', true);
    check('leaving', true);
    check('furnace', false);
    check('cryo furnace', false);
  });

  it('takes globs over the whole name', () => {
    check('cryo/*', true);
    check('*/chiller-?/outlet*', true);
    check('chiller*', false);
    check('cryo/chiller.1/*', false);
    check('(*', false);
  });

  it('takes owners and qualities', () => {
    check('owner:n1', true);
    check('owner:n2', false);
    check('quality:bad', false);
    check('quality:bad', true, 'bad');
    check('quality:good', false, 'stale');
    expect(parseFilter('cryo').followsValues).toBe(false);
    expect(parseFilter('cryo quality:b').followsValues).toBe(true);
  });
});

describe('the window of rows', () => {
  it('is bounded by the view, not by the number of tags', () => {
    expect(rowsInView(0, 560, 28, 10_000)).toEqual({ from: 0, to: 20 + OVERSCAN });
    expect(rowsInView(28_000, 560, 28, 10_000)).toEqual({ from: 1_000 - OVERSCAN, to: 1_020 + OVERSCAN });
    const { from, to } = rowsInView(28_013, 560, 28, 10_000);
    expect(to - from).toBeLessThanOrEqual(21 + 2 * OVERSCAN);
  });

  it('ends with the tags, also when a filter leaves fewer than the scroll position', () => {
    expect(rowsInView(279_440, 560, 28, 10_000)).toEqual({ from: 9_980 - OVERSCAN, to: 10_000 });
    expect(rowsInView(28_000, 560, 28, 3)).toEqual({ from: 3, to: 3 });
    expect(rowsInView(0, 560, 28, 0)).toEqual({ from: 0, to: 0 });
  });

  it('scrolls as little as it can', () => {
    expect(scrollToRow(5, 0, 280, 28)).toBe(0);
    expect(scrollToRow(12, 0, 280, 28)).toBe(84);
    expect(scrollToRow(2, 280, 280, 28)).toBe(56);
  });
});
